/** A running deadline that can stand still for a while. */
export interface Deadline {
	/** Lets it run again with what was left. */
	readonly start: () => void;
	readonly stop: () => void;
	/** Milliseconds that are left of it; 0 once it has passed. */
	readonly leftMs: () => number;
}

/** @param durationMs counted from now, without the time during which the deadline stands still */
export function startDeadline(durationMs: number, onPassed: () => void): Deadline {
	let leftMs = durationMs;
	let startedAt = performance.now();
	let running = true;
	let timer = setTimeout(onPassed, leftMs);
	const left = (): number => Math.max(0, leftMs - (running ? performance.now() - startedAt : 0));
	return {
		leftMs: left,
		start() {
			clearTimeout(timer);
			// Whoever stops it again and again would put a timer off for ever.
			if (leftMs === 0) return onPassed();
			running = true;
			startedAt = performance.now();
			timer = setTimeout(onPassed, leftMs);
		},
		stop() {
			clearTimeout(timer);
			leftMs = left();
			running = false;
		},
	};
}
