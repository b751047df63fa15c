import { readdirSync, readFileSync } from "node:fs";

/*
 * Which thread makes this process grow: no statistic of V8 shows shared memory, nor WebAssembly's on Node 26, but Linux
 * counts for each thread how often it was the first to touch a page (`minflt`, see proc_pid_stat(5)). On other systems
 * nothing is known.
 */

/**
 * Starts a thread and finds out which one it is to Linux.
 *
 * @param start has to start it synchronously
 * @returns what `start` returned, and the thread's id; undefined when that cannot be told
 */
export function withThreadId<Started>(start: () => Started): {
	readonly started: Started;
	readonly tid: number | undefined;
} {
	const before = new Set(threadIds());
	const started = start();
	// The pools of libuv and V8 may start a thread of theirs in the same moment, once.
	const [tid, ...others] = threadIds().filter((id) => !before.has(id));
	return { started, tid: others.length === 0 ? tid : undefined };
}

/** How many pages a thread was the first to touch since it began; undefined once it has ended, or where nobody counts. */
export function threadPageFaults(tid: number): number | undefined {
	return readPageFaults(`/proc/self/task/${tid}/stat`);
}

/** The same of all threads of this process, those that have ended too. */
export function processPageFaults(): number | undefined {
	return readPageFaults("/proc/self/stat");
}

/** Position of `minflt` among the fields after the name, which stands in parentheses and may hold anything. */
const MINOR_FAULTS = 7;

function readPageFaults(path: string): number | undefined {
	try {
		const stat = readFileSync(path, "latin1");
		const count = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ", MINOR_FAULTS + 1)[MINOR_FAULTS]);
		return Number.isSafeInteger(count) ? count : undefined;
	} catch {
		return undefined;
	}
}

function threadIds(): readonly number[] {
	try {
		return readdirSync("/proc/self/task").map(Number);
	} catch {
		return [];
	}
}
