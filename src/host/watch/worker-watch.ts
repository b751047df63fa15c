import { createLoopUtilization, type LoopUtilization } from "./event-loop-utilization.ts";
import { createMemoryRise, type Suspect } from "./rss-growth.ts";

/** What the watch needs of a worker, and what it tells about it. */
export interface WatchedWorker extends Suspect {
	/** Soft limit on what the worker holds, heap and external memory, in bytes. */
	readonly memoryLimitBytes: number;
	/** How long its event loop may stand still, in milliseconds; undefined while it may (it is still starting). */
	hangTimeoutMs(): number | undefined;
	/** Milliseconds that its event loop has spent waiting for work, since it began. Costs nothing to ask. */
	idleMs(): number;
	/** Bytes that it holds. Does not settle while the worker is stuck in native code. */
	memoryUsage(): Promise<number>;
	/** Whether its event loop turns: false when it does not answer within the deadline. */
	responds(deadlineMs: number): Promise<boolean>;
	/** Ends it. */
	onTrouble(trouble: WorkerTrouble): void;
}

export interface WorkerTrouble {
	readonly reason: "hang" | "out_of_memory";
	/** What was seen and what to do about it, to be read after the module's name. */
	readonly message: string;
}

/** Looks at every worker ten times a second: does its event loop turn, and does it hold more than it may? */
export interface WorkerWatch {
	add(worker: WatchedWorker): WatchOnWorker;
	/** As for a worker, of main's own event loop. */
	ownUtilization(): number;
	stop(): void;
}

export interface WatchOnWorker {
	/** The share of time that its event loop was busy of late, 0 to 1. */
	utilization(): number;
	end(): void;
}

export interface WorkerWatchOptions {
	/** Resident memory of the whole process, in bytes. */
	readonly rss: () => number;
	/** How far it may rise above its own recent level before a module must be the cause, in bytes. */
	readonly rssRiseBytes: number;
}

const INTERVAL_MS = 100;
/** Who has run for less than this between two looks has done nothing of note. */
const BUSY_MS = 1;
/** V8 answers for its heap between two instructions; who does not within so many looks is stuck in native code. */
const STATISTICS_LOOKS = 10;
/** A worker that has not run cannot have grown, save by what others hand it: then it is asked this often all the same. */
const IDLE_MEMORY_INTERVAL_MS = 1000;

interface Watched {
	readonly worker: WatchedWorker;
	readonly utilization: LoopUtilization;
	idleMs: number;
	isProbed: boolean;
	/** Looks since it was asked about its memory, while the answer is due. */
	looksUnanswered: number | undefined;
	lastAskedAt: number;
	isTroubled: boolean;
}

export function createWorkerWatch({ rss, rssRiseBytes }: WorkerWatchOptions): WorkerWatch {
	const watched = new Set<Watched>();
	const rise = createMemoryRise<WatchedWorker>({ rss, riseBytes: rssRiseBytes });
	const own = createLoopUtilization();
	let lastTickAt = performance.now();
	/**
	 * What a worker fails to do is only held against it over so many looks, not over so much time: when the machine was
	 * suspended or main was held up, everybody's answers are late, and theirs lie waiting behind this very look.
	 */
	let looks = 0;
	const timer = setInterval(tick, INTERVAL_MS);
	timer.unref();

	function tick(): void {
		const now = performance.now();
		const elapsedMs = now - lastTickAt;
		lastTickAt = now;
		looks += 1;
		own.look(performance.eventLoopUtilization().idle, elapsedMs);
		for (const each of watched) look(each, now, elapsedMs);
		const cause = rise.look(elapsedMs);
		for (const each of watched) if (each.worker === cause) trouble(each, "out_of_memory", unseenGrowth(rssRiseBytes));
	}

	function look(each: Watched, now: number, elapsedMs: number): void {
		if (each.isTroubled) return;
		const idleMs = each.worker.idleMs();
		const hasIdled = idleMs > each.idleMs;
		const busyMs = each.utilization.look(idleMs, elapsedMs);
		if (busyMs > BUSY_MS) rise.sample(each.worker);
		each.idleMs = idleMs;
		if (!hasIdled) void probe(each);
		if (each.looksUnanswered !== undefined) {
			each.looksUnanswered += 1;
			// One that is starting has a deadline for that, and may not be up yet.
			const isStarting = each.worker.hangTimeoutMs() === undefined;
			if (each.looksUnanswered > STATISTICS_LOOKS && !isStarting) trouble(each, "hang", STUCK_IN_NATIVE_CODE);
		} else if (busyMs > BUSY_MS || now - each.lastAskedAt > IDLE_MEMORY_INTERVAL_MS) {
			void askMemory(each, now);
		}
	}

	/** The loop did not wait for anything since the last look: it has much to do, or it is stuck. */
	async function probe(each: Watched): Promise<void> {
		const hangTimeoutMs = each.worker.hangTimeoutMs();
		if (hangTimeoutMs === undefined || each.isProbed) return;
		each.isProbed = true;
		const firstLook = looks;
		// It has not waited since the last look either.
		const deadlineMs = Math.max(hangTimeoutMs / 2, hangTimeoutMs - INTERVAL_MS);
		const responds = await each.worker.responds(deadlineMs);
		each.isProbed = false;
		const leastLooks = Math.floor(deadlineMs / INTERVAL_MS / 2);
		if (!responds && looks - firstLook >= leastLooks) {
			trouble(
				each,
				"hang",
				`its event loop stood still for ${hangTimeoutMs} ms; look for an endless loop or blocking work`,
			);
		}
	}

	async function askMemory(each: Watched, now: number): Promise<void> {
		each.looksUnanswered = 0;
		each.lastAskedAt = now;
		try {
			const bytes = await each.worker.memoryUsage();
			const limit = each.worker.memoryLimitBytes;
			if (bytes > limit) {
				trouble(
					each,
					"out_of_memory",
					`it holds ${megabytes(bytes)}, more than the ${megabytes(limit)} allowed; look for a leak, or raise MODULE_MEMORY_MB`,
				);
			}
		} finally {
			each.looksUnanswered = undefined;
		}
	}

	function trouble(each: Watched, reason: WorkerTrouble["reason"], message: string): void {
		if (each.isTroubled || !watched.has(each)) return;
		each.isTroubled = true;
		each.worker.onTrouble({ reason, message });
	}

	return {
		add(worker) {
			const each: Watched = {
				worker,
				utilization: createLoopUtilization(),
				idleMs: 0,
				isProbed: false,
				looksUnanswered: undefined,
				lastAskedAt: 0,
				isTroubled: false,
			};
			watched.add(each);
			rise.add(worker);
			return {
				utilization: each.utilization.ratio,
				end() {
					watched.delete(each);
					rise.delete(worker);
				},
			};
		},
		ownUtilization: own.ratio,
		stop: () => clearInterval(timer),
	};
}

const STUCK_IN_NATIVE_CODE = `it has been stuck in native code for ${STATISTICS_LOOKS * INTERVAL_MS} ms; look for blocking calls, or run it with isolation: process`;

function unseenGrowth(bytes: number): string {
	return `the process grew by ${megabytes(bytes)} that no statistic accounts for, and most of it by this module's thread; look for shared or WebAssembly memory`;
}

function megabytes(bytes: number): string {
	return `${Math.round(bytes / 1_048_576)} MiB`;
}
