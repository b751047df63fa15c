/**
 * How quickly a host recovers, and what a wall costs, as one JSON document:
 * `node --import tsx bench/recovery.ts [--short]`. Needs the built program, and Linux for the memory.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type ChaosHost, HANG_TIMEOUT_MS, startChaosHost } from "../test/support/chaos-host.ts";
import { childrenOf } from "../test/support/chaos-resources.ts";
import { until } from "../test/support/until.ts";
import { spreadOf } from "./scrape/statistics.ts";

export interface RecoveryOptions {
	/** Crashes, and stuck loops, that are measured. */
	readonly rounds: number;
	/** Modules that idle memory is divided by. */
	readonly idleModules: number;
	/** Modules of the start that is measured. */
	readonly startModules: number;
}

export const FULL = { rounds: 21, idleModules: 20, startModules: 100 } as const satisfies RecoveryOptions;
export const SHORT = { rounds: 5, idleModules: 5, startModules: 20 } as const satisfies RecoveryOptions;

const IDLE = { MODULE_MEMORY_MB: "128", COLLECT_INTERVAL_MS: "60000" };

/** Measures all four, one after the other; milliseconds and bytes. */
export async function benchmarkRecovery(options: RecoveryOptions): Promise<object> {
	return {
		benchmark: "recovery",
		node: process.version,
		unit: "milliseconds, bytes",
		crashToNextAnswer: spreadOf(await recoveries("crash", options.rounds)),
		stuckToNextAnswer: { hangTimeoutMs: HANG_TIMEOUT_MS, ...spreadOf(await recoveries("loop", options.rounds)) },
		idleMemoryPerModule: await idleMemory(options.idleModules),
		start: await startTime(options.startModules),
	};
}

if (import.meta.main) {
	const { values } = parseArgs({ options: { short: { type: "boolean", default: false } } });
	process.stdout.write(`${JSON.stringify(await benchmarkRecovery(values.short ? SHORT : FULL), undefined, "\t")}\n`);
}

/** From the call that brings a module down to the first answer of the next generation, for each round. */
async function recoveries(how: "crash" | "loop", rounds: number): Promise<readonly number[]> {
	const id = "mcps/fragile";
	const host = await startChaosHost({ files: { [`${id}.ts`]: fragile(0) } });
	try {
		const times: number[] = [];
		for (let round = 1; round <= rounds; round++) {
			// A save is a fresh start, so that each restart is the first, which is not delayed.
			await host.save(id, fragile(round));
			await until(() => answers(host, `version ${round}`), "the new version answers");
			const startedAt = performance.now();
			await host.execute(how);
			await until(() => answers(host, `version ${round}`), "it answers again");
			times.push(performance.now() - startedAt);
		}
		return times;
	} finally {
		await host.close();
	}
}

async function answers(host: ChaosHost, text: string): Promise<boolean> {
	const { status, body } = await host.execute("version");
	return status === 200 && body.includes(`"${text}"`);
}

function fragile(version: number): string {
	return `import type { McpServer } from "@modelcontextprotocol/server";
export default function register(server: McpServer): void {
	server.registerTool("version", {}, () => ({ content: [{ type: "text", text: "version ${version}" }] }));
	server.registerTool("loop", {}, () => { for (;;); });
	server.registerTool("crash", {}, () => {
		setImmediate(() => { throw new Error("crashes as it was told"); });
		return new Promise(() => undefined);
	});
}
`;
}

/** What one more module that does nothing costs in each wall: memory of its own, shared pages by their share. */
async function idleMemory(count: number): Promise<object> {
	const empty = await memoryWith({}, "{}");
	const ids = Array.from({ length: count }, (_, index) => `mcps/idle-${index}`);
	const files = Object.fromEntries(ids.map((id, index) => [`${id}.ts`, idle(index)]));
	const perModule = async (isolation: string): Promise<number> =>
		Math.round(((await memoryWith(files, policyOf(ids, isolation))) - empty) / count);
	const thread = await perModule("thread");
	const inProcess = await perModule("process");
	return { modules: count, thread, process: inProcess, threadOfProcess: thread / inProcess };
}

async function memoryWith(files: Readonly<Record<string, string>>, policy: string): Promise<number> {
	const host = await startChaosHost({ files: { ...files, "plugins.yaml": policy }, env: IDLE });
	try {
		return [host.pid, ...childrenOf(host.pid)].reduce((sum, pid) => sum + proportionalMemory(pid), 0);
	} finally {
		await host.close();
	}
}

/** By name, since a default would wall off the neighbours as well. */
function policyOf(ids: readonly string[], isolation: string): string {
	return `modules: { ${ids.map((id) => `${id}: { isolation: ${isolation} }`).join(", ")} }`;
}

function proportionalMemory(pid: number): number {
	return Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "latin1"))?.[1]) * 1024;
}

function idle(index: number): string {
	return `import type { McpServer } from "@modelcontextprotocol/server";
export default function register(server: McpServer): void {
	server.registerTool("idle-${index}", {}, () => ({ content: [] }));
}
`;
}

/** From the start of the supervisor to the line that says that all have started. */
async function startTime(count: number): Promise<object> {
	const files = Object.fromEntries(Array.from({ length: count }, (_, index) => [`mcps/idle-${index}.ts`, idle(index)]));
	const startedAt = performance.now();
	const host = await startChaosHost({
		files: { ...files, "plugins.yaml": "{}" },
		env: { ...IDLE, MODULE_START_TIMEOUT_MS: "60000" },
	});
	const milliseconds = Math.round(performance.now() - startedAt);
	await host.close();
	return { modules: count, milliseconds };
}
