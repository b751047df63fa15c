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
