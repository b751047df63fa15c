/** The host with ten good modules of a thousand series, and three that misbehave for as long as they are asked to. */
import { EventEmitter, once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { loadConfig } from "../../src/config/config.ts";
import type { Logger } from "../../src/logging/logger.ts";
import { raiseMainPriority } from "../../src/composition/realtime-priority.ts";
import { startServer } from "../../src/composition/start-server.ts";

const GOOD_MODULES = 10;
const goodModule = (name: string): string => `
	import { Gauge } from "prom-client";
	const gauge = new Gauge({ name: "${name}", help: "A thousand series.", labelNames: ["id"] });
	let turn = 0;
	export function process() {
		turn++;
		for (let id = 0; id < 1000; id++) gauge.set({ id }, id * turn);
	}
`;
const MISBEHAVING = {
	/** Never comes back, and takes a processor for as long as it is let. */
	hangs: `
		import { Gauge } from "prom-client";
		new Gauge({ name: "hangs", help: "Never collected." });
		export function process() {
			for (;;);
		}
	`,
	/** New series at every collection, ten times as many as it may have, and lines of output without end. */
	floods: `
		import { Gauge } from "prom-client";
		const gauge = new Gauge({ name: "floods", help: "Too many series.", labelNames: ["id"] });
		const other = new Gauge({ name: "floods_too", help: "As many as fit.", labelNames: ["id"] });
		let turn = 0;
		setInterval(() => {
			for (let line = 0; line < 1000; line++) console.log("x".repeat(1000));
		}, 10);
		export function process() {
			turn++;
			gauge.reset();
			other.reset();
			for (let id = 0; id < 5000; id++) other.set({ id: turn + "-" + id }, id);
			for (let id = 0; id < 100_000; id++) gauge.set({ id: turn + "-" + id }, id);
		}
	`,
	crashes: `
		import { Gauge } from "prom-client";
		new Gauge({ name: "crashes", help: "Not for long." });
		setTimeout(() => globalThis.process.exit(1), 20);
		export function process() {}
	`,
} as const;

const folder = await mkdtemp(path.join(tmpdir(), "bulkhead-bench-"));
for (const kind of ["metrics", "mcps"]) await mkdir(path.join(folder, kind));
for (let index = 0; index < GOOD_MODULES; index++) await save(`good_${index}`, goodModule(`good_${index}`));
const loaded = loadConfig({ PORT: "0", COLLECT_INTERVAL_MS: "1000", COLLECT_TIMEOUT_MS: "1000" }, folder);
if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
const nothing = (): undefined => undefined;
const stopped = new EventEmitter();
const log: Logger = {
	debug: nothing,
	info: (message) => stopped.emit(message),
	warn: nothing,
	error: nothing,
	child: () => log,
};
const server = await startServer({ config: loaded.config, log });
// As the host's process does with MAIN_PRIORITY.
const isRealTime = process.argv[2] === "realtime" && (await raiseMainPriority());
process.on("message", (message) => void answer(message).then((reply) => process.send?.(reply)));
process.once("disconnect", () => process.exit()); // the benchmark is gone
process.send?.({ url: server.url, isRealTime });

async function save(name: string, source: string): Promise<void> {
	await writeFile(fileOf(name), source);
}

/** Does what it is asked, and answers with the processor time of the main thread. */
async function answer(message: unknown): Promise<number> {
	if (message === "misbehave") {
		for (const [name, source] of Object.entries(MISBEHAVING)) await save(name, source);
	} else if (message === "behave") {
		// A thread that hangs is given some seconds to stop by itself, in which it is no good neighbour yet.
		await Promise.all(
			Object.keys(MISBEHAVING).map(async (name) => {
				if (!existsSync(fileOf(name))) return;
				const gone = once(stopped, `metrics/${name} is stopped`);
				await rm(fileOf(name));
				await gone;
			}),
		);
	} else if (message === "stop") {
		await server.close();
		await rm(folder, { recursive: true });
		process.exit(0);
	}
	// Of the main thread alone, in milliseconds: what no other process of the machine can make larger.
	const { user, system } = process.threadCpuUsage();
	return (user + system) / 1000;
}

function fileOf(name: string): string {
	return path.join(folder, `metrics/${name}.ts`);
}
