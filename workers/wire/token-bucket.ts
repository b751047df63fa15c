import { min, now as monotonicNow } from "../primordials/primordials.ts";

/** A token bucket: what may be sent now, given what was sent before. Pure but for the clock. */
export interface MessageQuota {
	/**
	 * Whether one more message may go.
	 *
	 * @param cost how many messages it counts as
	 */
	take(cost?: number): boolean;
}

/**
 * @param perSecond messages a second that may go in the long run
 * @param burst how many may go at once after a silence
 * @param now milliseconds of a clock that never goes back
 */
export function createMessageQuota(
	{ perSecond, burst }: { readonly perSecond: number; readonly burst: number },
	now: () => number = monotonicNow,
): MessageQuota {
	let left = burst;
	let refilledAt = now();
	return {
		take(cost = 1) {
			const at = now();
			left = min(burst, left + ((at - refilledAt) * perSecond) / 1000);
			refilledAt = at;
			if (left < cost) return false;
			left -= cost;
			return true;
		},
	};
}
