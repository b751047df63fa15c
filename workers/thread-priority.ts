import os from "node:os";
import process from "node:process";

/** What `nice` adds when nothing else is said: a tenth of the weight, felt only where more wants to run than can. */
const NICE_INCREMENT = 10;

// From before the sandbox closes it to the module.
const { getPriority, setPriority } = os;
const { PRIORITY_LOW } = os.constants.priority;

/**
 * Lowers the priority of the calling thread, and of what it starts: where a module loops or floods, and all processors
 * are busy, the threads that somebody waits for run first.
 *
 * On Linux alone, where a thread has a priority of its own (setpriority(2), notes); elsewhere it would be the whole
 * process that is lowered.
 */
export function lowerThreadPriority(): void {
	if (process.platform !== "linux") return;
	try {
		setPriority(0, Math.min(PRIORITY_LOW, getPriority(0) + NICE_INCREMENT));
	} catch {
		// A seccomp filter may forbid it. The module then runs as high as the host, which is as it was before.
	}
}
