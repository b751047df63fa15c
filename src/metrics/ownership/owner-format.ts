import type { OwnerFormat } from "../../state/owner-file.ts";
import { isReservedName, type MetricType, metricTypeOf, refusedName } from "../validate/metric-names.ts";

export interface OwnedFamily {
	readonly name: string;
	readonly type: MetricType;
}

/** How owners of metric families are kept over a restart of the host: `[name, type]`. */
export const FAMILY_OWNERS: OwnerFormat<OwnedFamily> = {
	fileName: "metric-owners.jsonl",
	kind: "metric names",
	firstOwner: "the first module to be collected owns a metric name",
	encode: ({ name, type }) => [name, type],
	/** A name is held to what it is held to in a snapshot. */
	decode([name, word]) {
		const type = metricTypeOf(word);
		if (typeof name !== "string" || refusedName(name) !== undefined || isReservedName(name)) return undefined;
		return type === undefined ? undefined : { name, type };
	},
};
