// What the machine is doing: load, memory, and the file system that this module lies on, which it may look at without
// a permission. Runs on Linux and macOS. `process()` may be asynchronous; the host gives it a deadline.

import { statfs } from "node:fs/promises";
import { freemem, loadavg, totalmem } from "node:os";
import { Gauge } from "prom-client";

const load = new Gauge({
	name: "machine_load_average",
	help: "Processes that run or wait for a CPU, averaged over some minutes",
	labelNames: ["minutes"],
});
const memorySize = new Gauge({ name: "machine_memory_size_bytes", help: "Memory of the machine" });
const memoryAvailable = new Gauge({
	name: "machine_memory_available_bytes",
	help: "Memory that can be given to programs without swapping",
});
const diskSize = new Gauge({
	name: "machine_filesystem_size_bytes",
	help: "Size of the file system",
});
const diskAvailable = new Gauge({
	name: "machine_filesystem_available_bytes",
	help: "Space of the file system that is free for users other than root",
});

export async function process(): Promise<void> {
	const disk = await statfs(import.meta.filename);
	const [minutes1, minutes5, minutes15] = loadavg();
	load.set({ minutes: "1" }, minutes1 ?? 0);
	load.set({ minutes: "5" }, minutes5 ?? 0);
	load.set({ minutes: "15" }, minutes15 ?? 0);
	memorySize.set(totalmem());
	memoryAvailable.set(freemem());
	diskSize.set(disk.blocks * disk.bsize);
	diskAvailable.set(disk.bavail * disk.bsize);
}
