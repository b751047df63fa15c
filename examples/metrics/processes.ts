// How many processes of a name run, and what they take. Linux.
//   plugins.yaml: metrics/processes: { env: { PROCESS_NAMES: "postgres,nginx" }, permissions: { read: [/proc] } }

import { readdir, readFile } from "node:fs/promises";
import { Gauge } from "prom-client";
import type { ModuleContext } from "../../workers/contract.ts";

const PAGE_BYTES = 4096;

const running = new Gauge({ name: "processes_running", help: "Processes of that name", labelNames: ["name"] });
const memory = new Gauge({ name: "processes_resident_memory_bytes", help: "Their memory", labelNames: ["name"] });

let names: readonly string[] = [];

export function start({ env }: ModuleContext): void {
	names = (env["PROCESS_NAMES"] ?? "").split(",").flatMap((name) => name.trim() || []);
	if (names.length === 0) throw new Error("PROCESS_NAMES is empty: say which to count, separated by commas");
}

export async function process(): Promise<void> {
	const found = new Map(names.map((name) => [name, { count: 0, bytes: 0 }]));
	for (const pid of await readdir("/proc")) {
		if (!/^\d+$/.test(pid)) continue;
		try {
			const name = (await readFile(`/proc/${pid}/comm`, "utf8")).trim();
			const sums = found.get(name);
			if (sums === undefined) continue;
			const [, pages] = (await readFile(`/proc/${pid}/statm`, "utf8")).split(" ");
			sums.count++;
			sums.bytes += Number(pages) * PAGE_BYTES;
		} catch {
			// It has ended since the folder was read.
		}
	}
	for (const [name, { count, bytes }] of found) {
		running.set({ name }, count);
		memory.set({ name }, bytes);
	}
}
