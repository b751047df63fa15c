/** Decides when to scan: soon after what happened has calmed down, never twice at once, and now and then anyway. */
export interface ScanSchedule {
	/** Something may have changed. */
	request(): void;
	/** A scan is wanted after so many milliseconds, whatever else happens. */
	requestIn(delayMs: number): void;
	/** Resolves when no scan runs any more; none will. */
	stop(): Promise<void>;
}

/** Of quiet before a scan: an editor's save, or a file written in pieces, makes several events. */
const QUIET_MS = 40;
/** A stream of events that never ends delays a scan by no more than this. */
const MAX_DELAY_MS = 200;

/**
 * For what no event tells of: network and container file systems that have none, an overflowing event queue, packages
 * installed or changed outside of the module folders. Costs a few `stat` calls for each module.
 */
const POLL_MS = 2000;
/** Polling takes no more than this share of the time, however slow the file system. */
const MAX_POLL_SHARE = 0.01;

/**
 * Scans at once, and from then on.
 *
 * @param scan never rejects
 */
export function createScanSchedule(scan: () => Promise<void>, pollMs = POLL_MS): ScanSchedule {
	const delayed = new Set<NodeJS.Timeout>();
	let quiet: NodeJS.Timeout | undefined;
	let poll: NodeJS.Timeout | undefined;
	let firstRequestAt: number | undefined;
	let running: Promise<void> | undefined;
	let stopped = false;

	function request(): void {
		if (stopped) return;
		const now = performance.now();
		firstRequestAt ??= now;
		clearTimeout(quiet);
		if (running !== undefined) return; // remembered, and seen to when it ends
		quiet = setTimeout(begin, Math.max(0, Math.min(QUIET_MS, firstRequestAt + MAX_DELAY_MS - now)));
	}

	function begin(): void {
		if (stopped || running !== undefined) return;
		clearTimeout(quiet);
		clearTimeout(poll);
		firstRequestAt = undefined;
		const startedAt = performance.now();
		running = scan().then(() => {
			running = undefined;
			if (stopped) return;
			const durationMs = performance.now() - startedAt;
			poll = setTimeout(begin, Math.max(pollMs, durationMs / MAX_POLL_SHARE)).unref();
			if (firstRequestAt !== undefined) request();
		});
	}

	begin();

	return {
		request,
		requestIn(delayMs) {
			if (stopped) return;
			const timer = setTimeout(() => {
				delayed.delete(timer);
				request();
			}, delayMs);
			delayed.add(timer);
		},
		async stop() {
			stopped = true;
			for (const timer of [quiet, poll, ...delayed]) clearTimeout(timer);
			await running;
		},
	};
}
