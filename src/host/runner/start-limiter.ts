import { createPermits } from "../../core/semaphore.ts";

/**
 * Lets workers start a few at a time: hundreds at once would share the processors, and all pass their deadline. A start
 * that takes long counts no more after a while, so that modules that never come up do not keep the others from it.
 */
export interface StartGate {
	/** Resolves when it is this start's turn, to the function that says that it has ended; it may be called twice. */
	enter(): Promise<() => void>;
}

/**
 * @param atOnce how many may be starting
 * @param countsForMs after how many milliseconds a start counts no more
 */
export function createStartGate(atOnce: number, countsForMs: number): StartGate {
	const permits = createPermits(atOnce);
	return {
		async enter() {
			const release = await permits.take(1);
			let counts = true;
			const leave = (): void => {
				if (!counts) return;
				counts = false;
				clearTimeout(timer);
				release();
			};
			const timer = setTimeout(leave, countsForMs);
			return leave;
		},
	};
}
