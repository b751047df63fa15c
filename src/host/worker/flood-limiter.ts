/**
 * Decides what becomes of a process that sends more than anybody asked for: a token bucket in front of what main reads.
 * Pure but for the clock that is passed in.
 */
export interface FloodLimits {
	/** Messages a second that may come unasked: log lines, notifications, changed lists. */
	readonly perSecond: number;
	/** How many may come at once after a quiet time. */
	readonly burst: number;
	/** How long the process may stay above that, being read slowly, before it is ended; in milliseconds. */
	readonly patienceMs: number;
}

export const DEFAULT_FLOOD_LIMITS = {
	perSecond: 2000,
	burst: 20_000,
	patienceMs: 5000,
} as const satisfies FloodLimits;

export interface FloodGauge {
	/** The host has sent a message, which the process may acknowledge and answer. */
	asked(): void;
	/** A message of this size came. */
	received(bytes: number): void;
	/** What to do now: read on, wait for some milliseconds, or end the process. */
	verdict(): { readonly read: true } | { readonly read: false; readonly waitMs: number } | "flood";
}

/** @param now milliseconds of a clock that never goes back */
export function createFloodGauge(limits: FloodLimits, now: () => number): FloodGauge {
	let credits = 0;
	let tokens = limits.burst;
	let filledAt = now();
	let drainedAt: number | undefined;

	function refill(): void {
		const at = now();
		tokens = Math.min(limits.burst, tokens + ((at - filledAt) * limits.perSecond) / 1000);
		filledAt = at;
		if (tokens >= limits.burst * RECOVERED) drainedAt = undefined;
	}

	return {
		asked() {
			credits = Math.min(credits + MESSAGES_PER_REQUEST, MAX_CREDITS);
		},
		received(bytes) {
			if (credits > 0) credits -= 1;
			else tokens -= 1 + bytes / BYTES_PER_TOKEN;
		},
		verdict() {
			refill();
			if (tokens > 0) return { read: true };
			drainedAt ??= filledAt;
			if (filledAt - drainedAt > limits.patienceMs) return "flood";
			return { read: false, waitMs: Math.ceil((-tokens * 1000) / limits.perSecond) + WAIT_MS };
		},
	};
}

/** Acknowledged, and answered. */
const MESSAGES_PER_REQUEST = 2;
/** Requests that were never answered buy no endless flood later. */
const MAX_CREDITS = 10_000;
/** A long message costs main as much as some short ones. */
const BYTES_PER_TOKEN = 4096;
/** The part of the burst that must be there again before a flood counts as over. */
const RECOVERED = 0.5;
/** Read in few bites instead of message by message. */
const WAIT_MS = 50;
