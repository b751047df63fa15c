import type { StartedDto } from "../../../workers/wire/messages.ts";
import type { ModulePolicy } from "./module-policy.ts";

/** All times in milliseconds, all sizes in bytes. */
export interface RunnerSettings {
	readonly startTimeoutMs: number;
	readonly callTimeoutMs: number;
	readonly hangTimeoutMs: number;
	readonly memoryBytes: number;
	readonly maxResultBytes: number;
	readonly maxSnapshotBytes: number;
	readonly maxSamples: number;
}

/** What the policy says of a module, and where it says nothing the defaults. */
export function settingsOf(policy: ModulePolicy, defaults: RunnerSettings): RunnerSettings {
	return {
		...defaults,
		startTimeoutMs: policy.startTimeoutMs ?? defaults.startTimeoutMs,
		callTimeoutMs: policy.callTimeoutMs ?? defaults.callTimeoutMs,
		hangTimeoutMs: policy.hangTimeoutMs ?? defaults.hangTimeoutMs,
		memoryBytes: policy.memoryMb === undefined ? defaults.memoryBytes : policy.memoryMb * 1_048_576,
	};
}

/** What the operator says of it wins over what the module asks for. */
export function wanted(started: StartedDto, { intervalMs, timeoutMs, counters }: ModulePolicy): StartedDto {
	return {
		...started,
		...(intervalMs !== undefined && { intervalMs }),
		...(timeoutMs !== undefined && { timeoutMs }),
		...(counters !== undefined && { counters }),
	};
}
