import { processPageFaults } from "../worker/page-faults.ts";

/** A thread that may be why the process grows. */
export interface Suspect {
	/** Pages that it was the first to touch since it began; undefined where that is not known. */
	pageFaults(): number | undefined;
}

/**
 * Watches the resident memory of the process for what no statistic of a worker shows: shared buffers, and WebAssembly on
 * some versions of Node. When it has risen far enough, it names who touched the new pages.
 */
export interface MemoryRise<Worker extends Suspect> {
	add(worker: Worker): void;
	delete(worker: Worker): void;
	/** For each that has run since the last look: remembers what it had touched while all was well. */
	sample(worker: Worker): void;
	/**
	 * @param elapsedMs since the last look
	 * @returns who made the process grow, once it has grown by `riseBytes`; undefined as well when that was nobody here:
	 * the host itself, threads that are gone or cannot be ended, or many at once, a little each
	 */
	look(elapsedMs: number): Worker | undefined;
}

export interface MemoryRiseOptions {
	/** Resident memory of the whole process, in bytes. */
	readonly rss: () => number;
	/** How far it may rise above its own recent level, in bytes. */
	readonly riseBytes: number;
}

/** The level that a rise is measured from follows the process with this half-life. */
const BASELINE_HALF_LIFE_MS = 120_000;
/** From this part of the rise on, all is no longer well. */
const ALERT_SHARE = 0.25;
/** Who has touched less of the new pages than this is not the cause, or not alone. */
const LEAST_SHARE = 0.25;

export function createMemoryRise<Worker extends Suspect>({ rss, riseBytes }: MemoryRiseOptions): MemoryRise<Worker> {
	/** With the page faults of each when all was well. */
	const workers = new Map<Worker, number>();
	let baseline = rss();
	let allFaults = processPageFaults() ?? 0;
	let isAlert = false;

	/** Who touched the most of what was touched since all was well, if it is clearly one of them. */
	function culprit(): Worker | undefined {
		const faults = [...workers].map(([worker, before]) => ({
			worker,
			count: (worker.pageFaults() ?? before) - before,
		}));
		const all = (processPageFaults() ?? allFaults) - allFaults;
		const others = all - faults.reduce((sum, { count }) => sum + count, 0);
		const [most] = faults.toSorted((a, b) => b.count - a.count);
		if (most === undefined || most.count === 0) return undefined;
		return most.count >= others && most.count >= all * LEAST_SHARE ? most.worker : undefined;
	}

	function allIsWell(): void {
		allFaults = processPageFaults() ?? allFaults;
		if (isAlert) for (const worker of workers.keys()) workers.set(worker, worker.pageFaults() ?? 0);
		isAlert = false;
	}

	return {
		add: (worker) => void workers.set(worker, 0),
		delete: (worker) => void workers.delete(worker),
		sample(worker) {
			if (!isAlert) workers.set(worker, worker.pageFaults() ?? 0);
		},
		look(elapsedMs) {
			const now = rss();
			baseline += (now - baseline) * (1 - 2 ** (-elapsedMs / BASELINE_HALF_LIFE_MS));
			baseline = Math.min(baseline, now);
			const rise = now - baseline;
			if (rise < riseBytes * ALERT_SHARE) {
				allIsWell();
				return undefined;
			}
			isAlert = true;
			if (rise < riseBytes) return undefined;
			const found = culprit();
			baseline = now;
			allIsWell();
			return found;
		},
	};
}

/** Reading it takes a descriptor, and there may be none left: then it is what it was before. */
export function createRssReader(): () => number {
	let bytes = 0;
	return () => {
		try {
			bytes = process.memoryUsage.rss();
		} catch {
			// EMFILE
		}
		return bytes;
	};
}
