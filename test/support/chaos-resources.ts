import { readdirSync, readFileSync } from "node:fs";

/** What a host holds of the machine and of Node. */
export interface Resources {
	readonly threads: number;
	readonly descriptors: number;
	readonly children: number;
	/** Timers, sockets, ports and the like that keep an event loop going, by what Node calls them. */
	readonly active: Readonly<Record<string, number>>;
}

/**
 * @param pid of a process on this machine, which has to be Linux
 * @param page its `/metrics`
 */
export function readResources(pid: number, page: string): Resources {
	const active = [...page.matchAll(/^nodejs_active_resources\{type="([^"]+)"\} (\d+)$/gm)];
	return {
		threads: readdirSync(`/proc/${pid}/task`).length,
		descriptors: readdirSync(`/proc/${pid}/fd`).length,
		children: childrenOf(pid).length,
		active: Object.fromEntries(active.map(([, type = "", count]) => [type, Number(count)])),
	};
}

/** Processes that a process has started. (`/proc/…/children` is not there in every kernel.) */
export function childrenOf(pid: number): readonly number[] {
	return readdirSync("/proc")
		.filter((name) => /^\d+$/.test(name) && parentOf(name) === pid)
		.map(Number);
}

/** What one holds more than the other, each as `threads 12 instead of 11`. */
export function growth(before: Resources, after: Resources): readonly string[] {
	const pairs: readonly (readonly [what: string, before: number, after: number])[] = [
		["threads", before.threads, after.threads],
		["descriptors", before.descriptors, after.descriptors],
		["children", before.children, after.children],
		...Object.keys(after.active)
			.filter((type) => type !== "TCPSocketWrap") // those who ask have connections of their own
			.map((type) => [type, before.active[type] ?? 0, after.active[type] ?? 0] as const),
	];
	return pairs.flatMap(([what, old, now]) => (now > old ? [`${what} ${now} instead of ${old}`] : []));
}

function parentOf(pid: string): number | undefined {
	try {
		// The name before it, in parentheses, may hold anything.
		return Number(/^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))?.[1]);
	} catch {
		return undefined; // it has ended meanwhile
	}
}

/**
 * The lowest of what the process holds over a minute, in bytes: main's heap alone goes up and down by 100 MB between two
 * full collections, which are some 30 s apart.
 */
export async function settledRss(pid: number): Promise<number> {
	const readings: number[] = [];
	for (let count = 0; count < RSS_READINGS; count++) {
		readings.push(rssOf(pid));
		await new Promise((resolve) => setTimeout(resolve, RSS_PAUSE_MS));
	}
	return Math.min(...readings);
}

const RSS_READINGS = 600;
const RSS_PAUSE_MS = 100;

function rssOf(pid: number): number {
	const status = readFileSync(`/proc/${pid}/status`, "latin1");
	return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1024;
}
