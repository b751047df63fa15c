import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { promisify } from "node:util";

/**
 * Gives the calling process's main thread real-time priority (SCHED_RR, the lowest of it), where the system allows it: on
 * Linux, to root or with CAP_SYS_NICE or a limit RTPRIO. It waits for no other thread then, while `nice` only weighs turns:
 * measured on two processors with modules that loop and flood, one of its turns in twenty waited for over a millisecond with
 * them at `nice` 10, and none for half of one at real-time priority (docs/metrics.md).
 *
 * Threads and processes that this one starts run at normal priority (SCHED_RESET_ON_FORK). On one processor nothing is
 * asked for, because what else is there should not have to wait for what is left of it.
 *
 * @returns whether the system has allowed it
 */
export async function raiseMainPriority(): Promise<boolean> {
	if (process.platform !== "linux" || availableParallelism() < 2) return false;
	try {
		// Of util-linux. Node sets a thread's nice and nothing else; one that lacks --reset-on-fork (busybox) refuses.
		await promisify(execFile)("chrt", ["--rr", "--reset-on-fork", "--pid", "1", String(process.pid)]);
		return true;
	} catch {
		return false;
	}
}
