/** A running deadline that can stand still for a while. */
export interface Deadline {
	/** Lets it run again with what was left. */
	readonly start: () => void;
	readonly stop: () => void;
}

/** @param durationMs counted from now, without the time during which the deadline stands still */
export function startDeadline(durationMs: number, onPassed: () => void): Deadline {
	let leftMs = durationMs;
	let startedAt = performance.now();
	let timer = setTimeout(onPassed, leftMs);
	return {
		start() {
			clearTimeout(timer);
			startedAt = performance.now();
			timer = setTimeout(onPassed, leftMs);
		},
		stop() {
			clearTimeout(timer);
			leftMs = Math.max(1, leftMs - (performance.now() - startedAt));
		},
	};
}
