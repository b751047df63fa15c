/** What the watch needs of a worker, and what it tells about it. */
export interface WatchedWorker {
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
	/** Ends it. Resolves to false when it had to be abandoned; must not reject. */
	onTrouble(trouble: WorkerTrouble): Promise<boolean>;
}

export interface WorkerTrouble {
	readonly reason: "hang" | "out_of_memory";
	/** What was seen and what to do about it, to be read after the module's name. */
	readonly message: string;
	/** False where the worker answers not even the engine's own questions, so that it can probably not be ended. */
	readonly terminable: boolean;
}

/** Looks at every worker ten times a second: does its event loop turn, and does it hold more than it may? */
export interface WorkerWatch {
	/** Returns what ends the watch on this worker. */
	add(worker: WatchedWorker): () => void;
	stop(): void;
}

export interface WorkerWatchOptions {
	/** Resident memory of the whole process, in bytes. */
	readonly rss: () => number;
	/** How far it may rise above its own recent level before a module must be the cause, in bytes. */
	readonly rssRiseBytes: number;
}

const INTERVAL_MS = 100;
/** V8 answers for its heap between two instructions; who does not in this time is stuck in native code. */
const STATISTICS_TIMEOUT_MS = 1000;
/** A worker that has not run cannot have grown, save by what others hand it: then it is asked this often all the same. */
const IDLE_MEMORY_INTERVAL_MS = 1000;
/** Growth is put down to a worker that has been ended for as long as its memory takes to go; */
const AFTERMATH_MS = 500;
/** and to one that could not be ended for as long as a single native call is likely to take. */
const ABANDONED_AFTERMATH_MS = 10_000;
/** The level that a rise is measured from follows the process with this half-life. */
const BASELINE_HALF_LIFE_MS = 30_000;

interface Watched {
	readonly worker: WatchedWorker;
	idleMs: number;
	/** Time in which the event loop did nothing but run, in milliseconds, forgetting the past. */
	recentBusyMs: number;
	isProbed: boolean;
	/** Since when an answer about its memory is due. */
	askedAt: number | undefined;
	lastAskedAt: number;
	bytes: number;
	recentGrowth: number;
	isTroubled: boolean;
}

export function createWorkerWatch({ rss, rssRiseBytes }: WorkerWatchOptions): WorkerWatch {
	const watched = new Set<Watched>();
	let baseline = rss();
	let lastTickAt = performance.now();
	let ending = 0;
	let aftermathUntil = Number.NEGATIVE_INFINITY;
	const timer = setInterval(tick, INTERVAL_MS);
	timer.unref();

	function tick(): void {
		const now = performance.now();
		const elapsedMs = now - lastTickAt;
		lastTickAt = now;
		for (const each of watched) look(each, now, elapsedMs);
		watchProcess(elapsedMs);
	}

	function look(each: Watched, now: number, elapsedMs: number): void {
		if (each.isTroubled) return;
		const idleMs = each.worker.idleMs();
		const hasIdled = idleMs > each.idleMs;
		const busyMs = Math.max(0, elapsedMs - (idleMs - each.idleMs));
		each.recentBusyMs = each.recentBusyMs * 0.9 + busyMs;
		each.idleMs = idleMs;
		if (!hasIdled) void probe(each);
		if (each.askedAt !== undefined) {
			if (now - each.askedAt > STATISTICS_TIMEOUT_MS) trouble(each, "hang", NOT_TERMINABLE, false);
		} else if (busyMs > 1 || now - each.lastAskedAt > IDLE_MEMORY_INTERVAL_MS) {
			void askMemory(each, now);
		}
	}

	/** The loop did not wait for anything since the last look: it has much to do, or it is stuck. */
	async function probe(each: Watched): Promise<void> {
		const hangTimeoutMs = each.worker.hangTimeoutMs();
		if (hangTimeoutMs === undefined || each.isProbed) return;
		each.isProbed = true;
		const responds = await each.worker.responds(hangTimeoutMs);
		each.isProbed = false;
		if (!responds) {
			trouble(
				each,
				"hang",
				`its event loop stood still for ${hangTimeoutMs} ms; look for an endless loop or blocking work`,
				true,
			);
		}
	}

	async function askMemory(each: Watched, now: number): Promise<void> {
		each.askedAt = now;
		each.lastAskedAt = now;
		try {
			const bytes = await each.worker.memoryUsage();
			each.recentGrowth = each.recentGrowth * 0.9 + Math.max(0, bytes - each.bytes);
			each.bytes = bytes;
			const limit = each.worker.memoryLimitBytes;
			if (bytes > limit) {
				trouble(
					each,
					"out_of_memory",
					`it holds ${megabytes(bytes)}, more than the ${megabytes(limit)} allowed; look for a leak, or raise MODULE_MEMORY_MB`,
					true,
				);
			}
		} finally {
			each.askedAt = undefined;
		}
	}

	/** For memory that no statistic of a worker shows: shared buffers, WebAssembly on some versions. */
	function watchProcess(elapsedMs: number): void {
		const now = rss();
		baseline += (now - baseline) * (1 - 2 ** (-elapsedMs / BASELINE_HALF_LIFE_MS));
		baseline = Math.min(baseline, now);
		if (now - baseline < rssRiseBytes) return;
		if (ending > 0 || performance.now() < aftermathUntil) {
			baseline = now; // nobody else is to blame for what a thread does that is being ended, or cannot be
			return;
		}
		const suspect = [...watched]
			.filter((each) => !each.isTroubled)
			.toSorted((a, b) => b.recentGrowth - a.recentGrowth || b.recentBusyMs - a.recentBusyMs)[0];
		baseline = now;
		if (suspect === undefined) return;
		trouble(
			suspect,
			"out_of_memory",
			`the process grew by ${megabytes(rssRiseBytes)} that no worker accounts for, and this one is the likeliest cause; look for shared or WebAssembly memory`,
			true,
		);
	}

	function trouble(each: Watched, reason: WorkerTrouble["reason"], message: string, terminable: boolean): void {
		if (each.isTroubled || !watched.has(each)) return;
		each.isTroubled = true;
		void end(each.worker, { reason, message, terminable });
	}

	async function end(worker: WatchedWorker, seen: WorkerTrouble): Promise<void> {
		ending += 1;
		const hasEnded = await worker.onTrouble(seen);
		ending -= 1;
		const aftermathMs = hasEnded ? AFTERMATH_MS : ABANDONED_AFTERMATH_MS;
		aftermathUntil = Math.max(aftermathUntil, performance.now() + aftermathMs);
	}

	return {
		add(worker) {
			const each: Watched = {
				worker,
				idleMs: 0,
				recentBusyMs: 0,
				isProbed: false,
				askedAt: undefined,
				lastAskedAt: 0,
				bytes: 0,
				recentGrowth: 0,
				isTroubled: false,
			};
			watched.add(each);
			return () => watched.delete(each);
		},
		stop: () => clearInterval(timer),
	};
}

const NOT_TERMINABLE = `it has been stuck in native code for ${STATISTICS_TIMEOUT_MS} ms; look for blocking calls, or run it with isolation: process`;

function megabytes(bytes: number): string {
	return `${Math.round(bytes / 1_048_576)} MiB`;
}
