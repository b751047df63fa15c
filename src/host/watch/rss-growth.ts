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
export function createMemoryRise<Worker extends Suspect>({ rss, riseBytes }: MemoryRiseOptions): MemoryRise<Worker> {
	/** With the page faults of each when all was well. */
	const workers = new Map<Worker, number>();
	let baseline = rss();
	let allFaults = processPageFaults() ?? 0;
	let isAlert = false;

	/** Who made the process grow since all was well. */
	function culprit(grownBytes: number): Worker | undefined {
		const touched = [...workers].map(([worker, before]) => ({
			worker,
			pages: (worker.pageFaults() ?? before) - before,
		}));
		return attributeRise({ riseBytes: grownBytes, touched, allPages: (processPageFaults() ?? allFaults) - allFaults });
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
			const found = culprit(rise);
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

export interface Touched<Worker> {
	readonly worker: Worker;
	/** That it was the first to touch since all was well. */
	readonly pages: number;
}

export interface Rise<Worker> {
	readonly riseBytes: number;
	readonly touched: readonly Touched<Worker>[];
	/** Of the whole process, main and threads that are gone included. */
	readonly allPages: number;
}

/** Linux has larger ones on some machines: then less is held against anybody than could be. */
const PAGE_BYTES = 4096;
/** Who has made less of the rise than this is not the cause, or not alone. */
const LEAST_SHARE = 0.5;
/** Who has touched more than so many times the rise has given most of it back. */
const MOST_TIMES = 3;

/**
 * Who made the process grow. To have touched many pages is no evidence: who reads and drops buffers all day touches more
 * than who keeps a few. Nobody can keep more than he has touched, though. So it was either the one without whom the rise
 * cannot be explained, or, among those that have kept what they touched, the one that alone comes near the rise.
 *
 * @returns undefined where nothing names one: better to restart nobody than somebody who has done nothing
 */
export function attributeRise<Worker>({ riseBytes, touched, allPages }: Rise<Worker>): Worker | undefined {
	const rise = riseBytes / PAGE_BYTES;
	const elsewhere = allPages - touched.reduce((sum, { pages }) => sum + pages, 0);
	const [most] = touched.toSorted((a, b) => b.pages - a.pages);
	if (most === undefined || most.pages < rise * LEAST_SHARE) return undefined;
	const rest = allPages - most.pages;
	if (most.pages >= rest && rest <= rise * (1 - LEAST_SHARE)) return most.worker;
	const [first, second] = [...touched, { worker: undefined, pages: elsewhere }]
		.filter(({ pages }) => pages <= rise * MOST_TIMES)
		.toSorted((a, b) => b.pages - a.pages);
	if (first === undefined || first.pages < rise * LEAST_SHARE) return undefined;
	return first.pages >= 2 * (second?.pages ?? 0) ? first.worker : undefined;
}
