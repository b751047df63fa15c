import { readdir, readFile } from "node:fs/promises";
import process from "node:process";
import type { ProcessUser } from "./process-user.ts";

/** Module processes that live, by the user that each module has for itself. */
const living = new Map<number, Set<number>>();

/**
 * Ends what a module process has started and what has left its group (`setsid`), by its user, whom nobody shares.
 *
 * @param pid of the module process
 * @param user undefined, or shared: then nothing tells whose a process is
 * @returns to be called when it has ended
 */
export function trackLeftovers(pid: number, user: ProcessUser | undefined): () => Promise<void> {
	if (user === undefined || user.isShared === true || process.platform !== "linux") return async () => undefined;
	const { uid } = user;
	const leaders = living.get(uid) ?? new Set();
	living.set(uid, leaders.add(pid));
	return async () => {
		leaders.delete(pid);
		if (leaders.size === 0) living.delete(uid);
		for (let round = 0; round < MAX_ROUNDS; round++) if (!(await endLeftovers(uid, leaders))) return;
	};
}

/** One that starts others as fast as it is ended is seen again. */
const MAX_ROUNDS = 5;

/** While a newer process of the module lives, what began after it may be its own. */
async function endLeftovers(uid: number, leaders: ReadonlySet<number>): Promise<boolean> {
	const begun = await Promise.all([...leaders].map(async (leader) => (await readProcess(leader))?.begunAt ?? 0));
	const before = Math.min(...begun, Number.POSITIVE_INFINITY);
	let hasEnded = false;
	for (const name of await readdir("/proc")) {
		const pid = Number(name);
		if (!Number.isSafeInteger(pid) || leaders.has(pid) || (await userOf(pid)) !== uid) continue;
		const found = await readProcess(pid);
		if (found === undefined || found.state === "Z" || leaders.has(found.group) || found.begunAt >= before) continue;
		try {
			process.kill(pid, "SIGKILL");
			hasEnded = true;
		} catch {
			// ESRCH: it is gone
		}
	}
	return hasEnded;
}

/** As the kernel has it: the owner of its folder in /proc is root for one that cannot be looked into. */
async function userOf(pid: number): Promise<number | undefined> {
	const status = await readFile(`/proc/${pid}/status`, "latin1").catch(() => "");
	const [, uid] = /^Uid:\t(\d+)/m.exec(status) ?? [];
	return uid === undefined ? undefined : Number(uid);
}

/** See proc_pid_stat(5). The name stands in parentheses and may hold anything. */
async function readProcess(pid: number) {
	const text = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => undefined);
	if (text === undefined) return undefined;
	const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
	return { state: fields[0], group: Number(fields[2]), begunAt: Number(fields[19]) };
}
