/** The share of time that an event loop was busy of late, 0 to 1: what is longer ago counts for less. */
export interface LoopUtilization {
	/**
	 * @param idleMs that the loop has waited for work since it began
	 * @param elapsedMs since the last look
	 * @returns for how much of that time it was busy, in milliseconds
	 */
	look(idleMs: number, elapsedMs: number): number;
	ratio(): number;
}

/** As far back as this, what was counts half as much as what is now. */
const HALF_LIFE_MS = 5000;

export function createLoopUtilization(): LoopUtilization {
	/** Of what the worker has idled, how much has been counted. */
	let countedIdleMs: number | undefined;
	let ratio = 0;
	return {
		look(idleMs, elapsedMs) {
			const sinceMs = idleMs - (countedIdleMs ?? 0);
			const busyMs = Math.min(elapsedMs, Math.max(0, elapsedMs - sinceMs));
			// A process tells of its idle time now and then: what is more than the time since the last look is of the time
			// before it or after, and counts at the next.
			const restMs = countedIdleMs === undefined ? 0 : Math.min(elapsedMs, Math.max(0, sinceMs - elapsedMs));
			countedIdleMs = idleMs - restMs;
			if (elapsedMs > 0) ratio += (busyMs / elapsedMs - ratio) * (1 - 2 ** (-elapsedMs / HALF_LIFE_MS));
			return busyMs;
		},
		// Rounded, so that one that has nothing to do settles at 0.
		ratio: () => Math.round(ratio * 10_000) / 10_000,
	};
}
