/**
 * When each module is collected: once at once, then every interval at a phase of its own or only when asked to, never
 * twice at a time.
 */
import { createHash } from "node:crypto";

/** Where time comes from: `globalThis` in the host, a clock of its own in a test. */
export interface ScheduleClock {
	/** Milliseconds that only go forward. */
	now(): number;
	/** Calls back once, after that many milliseconds; returns what cancels it. */
	after(delayMs: number, callback: () => void): () => void;
}

export interface CollectScheduleOptions {
	/** Collects one module, within its deadline; settles when done. A rejection is the caller's to have dealt with. */
	readonly collect: (moduleId: string, deadlineMs: number) => Promise<void>;
	readonly clock?: ScheduleClock;
}

export interface CollectSchedule {
	/**
	 * Collects a module now and then every `intervalMs`; a module that is there already gets the new times.
	 * @param intervalMs undefined for a module that `runNow` alone collects again
	 * @param deadlineMs handed to `collect` each time
	 */
	add(moduleId: string, intervalMs: number | undefined, deadlineMs: number): void;
	remove(moduleId: string): void;
	/**
	 * Collects a module now, beside its schedule. Joins the collection that is under way, if there is one; otherwise
	 * settles when its own has ended. Nothing happens for a module that was not added.
	 */
	runNow(moduleId: string): Promise<void>;
	/** No collection begins after this; resolves when those under way have ended. May be called twice. */
	stop(): Promise<void>;
}

export function createCollectSchedule({ collect, clock = SYSTEM_CLOCK }: CollectScheduleOptions): CollectSchedule {
	const entries = new Map<string, Entry>();
	let stopped = false;

	return {
		add(moduleId, intervalMs, deadlineMs) {
			if (stopped) return;
			const known = entries.get(moduleId);
			if (known !== undefined) {
				known.intervalMs = intervalMs;
				known.deadlineMs = deadlineMs;
				known.cancel();
				schedule(moduleId, known);
				return;
			}
			const entry: Entry = { intervalMs, deadlineMs, cancel: () => {}, running: undefined };
			entries.set(moduleId, entry);
			void run(moduleId, entry);
			schedule(moduleId, entry);
		},
		remove,
		runNow(moduleId) {
			const entry = entries.get(moduleId);
			return entry === undefined || stopped ? Promise.resolve() : run(moduleId, entry);
		},
		async stop() {
			stopped = true;
			const running = [...entries.values()].flatMap((entry) => entry.running ?? []);
			for (const moduleId of [...entries.keys()]) remove(moduleId);
			await Promise.all(running);
		},
	};

	function remove(moduleId: string): void {
		entries.get(moduleId)?.cancel();
		entries.delete(moduleId);
	}

	function schedule(moduleId: string, entry: Entry): void {
		if (entry.intervalMs === undefined) return;
		entry.cancel = clock.after(untilNext(moduleId, entry.intervalMs, clock.now()), () => {
			// The next turn first: the collection itself may remove its module.
			schedule(moduleId, entry);
			void run(moduleId, entry);
		});
	}

	/** A turn that comes while the one before still runs is left out: that one's answer is as new as can be had. */
	function run(moduleId: string, entry: Entry): Promise<void> {
		entry.running ??= collectOnce(moduleId, entry).finally(() => {
			entry.running = undefined;
		});
		return entry.running;
	}

	async function collectOnce(moduleId: string, entry: Entry): Promise<void> {
		try {
			await collect(moduleId, entry.deadlineMs);
		} catch {
			// The caller counts and reports what goes wrong; the schedule only goes on.
		}
	}
}

/**
 * Milliseconds until a module's next turn. Turns lie at a fixed phase within the interval, from the module's id: modules
 * spread evenly over it, and stay where they are across restarts of the host.
 */
export function untilNext(moduleId: string, intervalMs: number, now: number): number {
	const phase = Math.floor(fractionOf(moduleId) * intervalMs);
	const elapsed = (((now - phase) % intervalMs) + intervalMs) % intervalMs;
	return intervalMs - elapsed;
}

interface Entry {
	intervalMs: number | undefined;
	deadlineMs: number;
	cancel: () => void;
	running: Promise<void> | undefined;
}

const SYSTEM_CLOCK: ScheduleClock = {
	now: () => performance.timeOrigin + performance.now(),
	after(delayMs, callback) {
		const timer = setTimeout(callback, delayMs);
		return () => clearTimeout(timer);
	},
};

/** Between 0 and 1, evenly over ids that look alike. */
function fractionOf(moduleId: string): number {
	return createHash("sha256").update(moduleId).digest().readUInt32BE(0) / 2 ** 32;
}
