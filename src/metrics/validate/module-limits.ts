/** What a module's snapshot is held to: the operator's limits, and the names that are the host's. */
import type { LabelLimits } from "./label-set.ts";
import { isReservedName, isRuntimeName } from "./metric-names.ts";
import type { SnapshotRules } from "./family-collector.ts";

/** Limits of one module. */
export interface ModuleLimits extends LabelLimits {
	/** Most series, counted as lines on the page. */
	readonly maxSeries: number;
}

/** @param hostNames families that the host itself exports; of those of Node's runtime a module may show its own */
export function snapshotRules(moduleId: string, limits: ModuleLimits, hostNames: ReadonlySet<string>): SnapshotRules {
	return {
		...limits,
		isReserved: (name) => isReservedName(name) || (hostNames.has(name) && !isRuntimeName(name)),
		forcedLabel: (name) => (isRuntimeName(name) ? { name: "server_id", value: moduleId } : undefined),
	};
}
