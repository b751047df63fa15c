/** Why a module's thread was replaced; the fixed list of the label `reason`. */
export type RestartReason =
	| "crash"
	| "exit"
	| "hang"
	| "out_of_memory"
	| "call_timeout"
	| "collect_timeout"
	| "reload"
	| "manual"
	| "policy";

export interface RestartPlan {
	/** Failures in a row without a stable run in between, this one included. */
	readonly failures: number;
	readonly delayMs: number;
	/** A crash loop: the attempts go on, rarely. */
	readonly quarantined: boolean;
}

/** A run of this length wipes out the failures before it. */
export const STABLE_RUN_MS = 60_000;
/** From this many failures in a row on, a module is quarantined. */
export const QUARANTINE_AFTER = 6;
const BASE_DELAY_MS = 200;
const MAX_DELAY_MS = 30_000;
const QUARANTINE_DELAY_MS = 60_000;
const MAX_QUARANTINE_DELAY_MS = 300_000;

/**
 * Exponential backoff with full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 * The first failure after a stable run is retried at once; in quarantine the delay has a floor of half its ceiling.
 *
 * @param failures failures in a row before this one
 * @param ranMs how long the thread that failed had been serving; 0 when it did not start
 * @param random uniform in [0, 1)
 */
export function planRestart(failures: number, ranMs: number, random: () => number): RestartPlan {
	const count = ranMs >= STABLE_RUN_MS ? 1 : failures + 1;
	if (count >= QUARANTINE_AFTER) {
		const ceiling = Math.min(MAX_QUARANTINE_DELAY_MS, QUARANTINE_DELAY_MS * 2 ** (count - QUARANTINE_AFTER));
		return { failures: count, delayMs: Math.round(ceiling / 2 + (random() * ceiling) / 2), quarantined: true };
	}
	const ceiling = count === 1 ? 0 : Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** (count - 1));
	return { failures: count, delayMs: Math.round(random() * ceiling), quarantined: false };
}
