import os from "node:os";
import process from "node:process";

/**
 * What `nice` adds when nothing else is said. It takes a module a tenth of the weight of a thread that has not been
 * lowered, which it only feels where more wants to run than there are processors.
 */
const NICE_INCREMENT = 10;

/**
 * Lowers the priority of the calling thread, and of what it starts: where a module loops or floods, and all processors
 * are busy, the threads that somebody waits for run first. Call it before the sandbox is locked.
 *
 * On Linux alone, where a thread has a priority of its own (setpriority(2), notes); elsewhere it would be the whole
 * process that is lowered.
 */
export function lowerThreadPriority(): void {
	if (process.platform !== "linux") return;
	try {
		os.setPriority(0, Math.min(os.constants.priority.PRIORITY_LOW, os.getPriority(0) + NICE_INCREMENT));
	} catch {
		// A seccomp filter may forbid it. The module then runs as high as the host, which is as it was before.
	}
}
