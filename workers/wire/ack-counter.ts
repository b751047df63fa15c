/**
 * Which requests a thread has begun, in memory that it shares with the host. Requests begin in the order of their
 * numbers, so the last one says it of all; a message for each would cost as much as its answer.
 */
export interface BegunMark {
	readonly memory: SharedArrayBuffer;
	set(id: number): void;
	has(id: number): boolean;
}

export function createBegunMark(): BegunMark {
	return openBegunMark(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

/** The other end of one that was created elsewhere. */
export function openBegunMark(memory: SharedArrayBuffer): BegunMark {
	const last = new Int32Array(memory);
	return {
		memory,
		// Numbers of 32 bits that wrap around, compared by their distance: a host may live longer than two billion calls.
		set: (id) => void store(last, 0, id | 0),
		has: (id) => ((load(last, 0) - id) | 0) >= 0,
	};
}

// A module may replace what the global names.
const { load, store } = Atomics;
