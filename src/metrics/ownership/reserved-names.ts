/** Names that the host's own families take: no module may have one with another type, or a sample of one as its name. */
import type { MetricType } from "../validate/metric-names.ts";
import { claimedNames } from "../validate/metric-names.ts";

export interface HostNames {
	/** By family name. */
	readonly types: ReadonlyMap<string, MetricType>;
	/** Every name that a family occupies -> the family. */
	readonly occupied: ReadonlyMap<string, string>;
}

export function hostNames(families: Iterable<{ readonly name: string; readonly type: MetricType }>): HostNames {
	const types = new Map<string, MetricType>();
	const occupied = new Map<string, string>();
	for (const { name, type } of families) {
		types.set(name, type);
		for (const form of claimedNames(name, type)) occupied.set(form, name);
	}
	return { types, occupied };
}
