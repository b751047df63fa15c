// Space and inodes of file systems. A path must be granted to be looked at.
//   plugins.yaml: metrics/disk: { env: { DISK_PATHS: "/,/var" }, permissions: { read: [/] } }

import { statfs } from "node:fs/promises";
import { Gauge } from "prom-client";
import type { ModuleContext } from "../../workers/contract.ts";

const labelNames = ["path"];
const size = new Gauge({ name: "disk_size_bytes", help: "Size of the file system", labelNames });
const available = new Gauge({ name: "disk_available_bytes", help: "Free for users other than root", labelNames });
const inodes = new Gauge({ name: "disk_inodes", help: "Inodes of the file system", labelNames });
const freeInodes = new Gauge({ name: "disk_inodes_free", help: "Inodes that are free", labelNames });

let paths: readonly string[] = [];

export function start({ env }: ModuleContext): void {
	paths = (env["DISK_PATHS"] ?? "/").split(",").flatMap((path) => path.trim() || []);
}

export async function process(): Promise<void> {
	for (const path of paths) {
		const { blocks, bavail, bsize, files, ffree } = await statfs(path);
		size.set({ path }, blocks * bsize);
		available.set({ path }, bavail * bsize);
		inodes.set({ path }, files);
		freeInodes.set({ path }, ffree);
	}
}
