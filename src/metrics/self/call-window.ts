/**
 * The calls of each module in the last minute: how many, how many failed, and how long they took. A window of a few slots
 * with a few buckets, so that a call costs two additions and a module some hundred bytes, however many calls there are.
 */
export interface CallWindow {
	/** A call has ended. */
	add(moduleId: string, durationMs: number, isError: boolean): void;
	removed(moduleId: string): void;
	/** Undefined where no call has ended in the window. */
	of(moduleId: string): CallRates | undefined;
}

export interface CallRates {
	readonly perSecond: number;
	/** 0 to 1. */
	readonly errorShare: number;
	/** Seconds that 95 of 100 calls did not exceed: the upper bound of a bucket. */
	readonly p95Seconds: number;
}

interface Slot {
	/** The number of the period that it counts, since the epoch of the clock. */
	period: number;
	errors: number;
	readonly buckets: Uint32Array;
}

const SLOTS = 6;
const PERIOD_MS = 10_000;
/** Upper bounds in milliseconds; the last bucket has no bound and is shown as this one. */
const BOUNDS_MS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000] as const;
const LONGEST_MS = 60_000;

/** @param now milliseconds of a clock that never goes back */
export function createCallWindow(now: () => number): CallWindow {
	const modules = new Map<string, Slot[]>();
	const startedAt = now();

	const slotsOf = (moduleId: string): Slot[] => {
		let slots = modules.get(moduleId);
		if (slots === undefined) {
			slots = Array.from({ length: SLOTS }, () => ({
				period: -1,
				errors: 0,
				buckets: new Uint32Array(BOUNDS_MS.length + 1),
			}));
			modules.set(moduleId, slots);
		}
		return slots;
	};

	return {
		add(moduleId, durationMs, isError) {
			const period = Math.floor(now() / PERIOD_MS);
			const slot = slotsOf(moduleId)[period % SLOTS];
			if (slot === undefined) return;
			if (slot.period !== period) {
				slot.period = period;
				slot.errors = 0;
				slot.buckets.fill(0);
			}
			const bucket = BOUNDS_MS.findIndex((bound) => durationMs <= bound);
			const index = bucket < 0 ? BOUNDS_MS.length : bucket;
			slot.buckets[index] = (slot.buckets[index] ?? 0) + 1;
			if (isError) slot.errors += 1;
		},
		removed: (moduleId) => void modules.delete(moduleId),
		of(moduleId) {
			const at = now();
			const oldest = Math.floor(at / PERIOD_MS) - SLOTS + 1;
			const slots = (modules.get(moduleId) ?? []).filter(({ period }) => period >= oldest);
			const buckets = BOUNDS_MS.map((_, index) => slots.reduce((sum, slot) => sum + (slot.buckets[index] ?? 0), 0));
			const beyond = slots.reduce((sum, slot) => sum + (slot.buckets[BOUNDS_MS.length] ?? 0), 0);
			const count = buckets.reduce((sum, each) => sum + each, beyond);
			if (count === 0) return undefined;
			const errors = slots.reduce((sum, slot) => sum + slot.errors, 0);
			const coveredMs = Math.min(at - startedAt, at - oldest * PERIOD_MS);
			return {
				perSecond: (count * 1000) / Math.max(1000, coveredMs),
				errorShare: errors / count,
				p95Seconds: quantile(buckets, count, 0.95) / 1000,
			};
		},
	};
}

function quantile(buckets: readonly number[], count: number, share: number): number {
	let seen = 0;
	const index = buckets.findIndex((each) => (seen += each) >= count * share);
	return BOUNDS_MS[index] ?? LONGEST_MS;
}
