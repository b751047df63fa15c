// Counts lines of a log file by level, from where it ends when the module starts. A rotated file is read from its beginning.
//   plugins.yaml: metrics/log-lines: { env: { LOG_PATH: /var/log/app.log }, permissions: { read: [/var/log/app.log] } }

import { open, stat } from "node:fs/promises";
import { Counter } from "prom-client";
import type { ModuleContext } from "../../workers/contract.ts";

/** Of one collection; what is left comes with the next. */
const MOST_BYTES = 8 * 1024 * 1024;
const LEVELS = ["error", "warn", "info", "other"] as const;

const lines = new Counter({ name: "log_lines_total", help: "Lines by level", labelNames: ["level"] });
for (const level of LEVELS) lines.inc({ level }, 0);

let path = "";
let offset = 0;
let rest = "";

export async function start({ env }: ModuleContext): Promise<void> {
	path = env["LOG_PATH"] ?? "";
	if (path === "") throw new Error("LOG_PATH is not set: name the file in plugins.yaml");
	offset = (await stat(path)).size;
}

export async function process(): Promise<void> {
	await using file = await open(path);
	const { size } = await file.stat();
	if (size < offset) offset = 0;
	const buffer = Buffer.alloc(Math.min(size - offset, MOST_BYTES));
	const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
	offset += bytesRead;
	const complete = (rest + buffer.toString("utf8", 0, bytesRead)).split("\n");
	rest = complete.pop() ?? "";
	for (const line of complete) lines.inc({ level: levelOf(line) });
}

function levelOf(line: string): (typeof LEVELS)[number] {
	const found = /\b(error|warn|info)/i.exec(line)?.[1]?.toLowerCase();
	return LEVELS.find((level) => level === found) ?? "other";
}
