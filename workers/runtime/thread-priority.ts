import os from "node:os";
import process from "node:process";

/** What `nice` adds to a thread that nobody waits for: a third of the weight, felt only where more wants to run than can. */
const NICE_INCREMENT = 5;
/** And while it does its work: a tenth of the weight. */
const WORKING_NICE_INCREMENT = 10;

// From before the sandbox closes it to the module.
const { getPriority, setPriority } = os;
const { PRIORITY_LOW } = os.constants.priority;

/** What a thread does while it has its lower priority, and how it gets the other one back. */
export type AtLowPriority = <Result>(work: () => Result | Promise<Result>) => Promise<Result>;

/**
 * Lowers the priority of the calling thread, and of what it starts: where a module loops or floods, and all processors
 * are busy, the threads that somebody waits for run first.
 *
 * The returned function does the work itself at a priority that is lower still. What the thread says to main it says
 * afterwards: Node holds the lock of a port while it wakes main up, main then waits at the lock, and a thread that has
 * been pushed aside just there by main must get a processor before those that are at work.
 *
 * On Linux alone, where a thread has a priority of its own (setpriority(2), notes); elsewhere it would be the whole
 * process that is lowered.
 */
export function lowerThreadPriority(): AtLowPriority {
	if (process.platform !== "linux") return async (work) => work();
	try {
		const before = getPriority(0);
		const waiting = Math.min(PRIORITY_LOW, before + NICE_INCREMENT);
		const working = Math.min(PRIORITY_LOW, before + WORKING_NICE_INCREMENT);
		setPriority(0, working);
		setPriority(0, waiting);
		return async (work) => {
			setPriority(0, working);
			try {
				return await work();
			} finally {
				setPriority(0, waiting);
			}
		};
	} catch {
		// Only root, or who has CAP_SYS_NICE, may raise a priority again: who may not stays at the lower one. A seccomp filter may
		// forbid even to lower it, and then the module runs as high as the host.
		return async (work) => work();
	}
}
