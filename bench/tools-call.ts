/**
 * How fast a tool call is, against the SDK in the process of an Express server, against a bare HTTP server with a worker
 * behind it, and beside a scraper: `node bench/tools-call.ts [--short] [--rounds N]`. Prints JSON: per comparison the
 * ratios, their median and their spread. The servers that are compared run at the same time and take turns under load, so
 * what else the machine does falls on both.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import path from "node:path";
import process from "node:process";
import type { Load, LoadResult } from "./tools-call/load.ts";

const FOLDER = path.join(import.meta.dirname, "tools-call");
const SHORT = process.argv.includes("--short");
const ROUNDS = Number(process.argv[process.argv.indexOf("--rounds") + 1]) || (SHORT ? 1 : 5);
const DURATION_MS = SHORT ? 1000 : 3000;
const WARM_UP_MS = SHORT ? 500 : 1000;
const CONNECTIONS = SHORT ? [16] : [16, 64];

const SCRAPE_INTERVAL_MS = 100;
const META = {
	"io.modelcontextprotocol/protocolVersion": "2026-07-28",
	"io.modelcontextprotocol/clientInfo": { name: "bench", version: "1" },
	"io.modelcontextprotocol/clientCapabilities": {},
};

type Era = "legacy" | "modern";
const ERAS: readonly Era[] = ["legacy", "modern"];

interface Server {
	readonly url: string;
	readonly process: ChildProcess;
}
interface Spread {
	readonly median: number;
	readonly min: number;
	readonly max: number;
}

const servers = {
	bulkhead: await start("serve-bulkhead.ts"),
	sdk: await start("serve-sdk.ts"),
	echo: await start("serve-echo.ts"),
};
const report: Record<string, unknown> = {
	node: process.version,
	cpus: availableParallelism(),
	rounds: ROUNDS,
	durationMs: DURATION_MS,
};
try {
	for (const era of ERAS) {
		for (const connections of CONNECTIONS)
			report[`${era}, ${connections} connections`] = await compare(era, connections);
	}
	report["two modules, 50 ms of computing, against one process"] = await compareComputing();
	report["p99 beside a scrape each 100 ms"] = await compareScraped();
	process.stdout.write(`${JSON.stringify(report, null, "\t")}\n`);
} finally {
	for (const { process: child } of Object.values(servers)) child.kill("SIGKILL");
}

async function compare(era: Era, connections: number): Promise<unknown> {
	const results: Record<keyof typeof servers, LoadResult[]> = { bulkhead: [], sdk: [], echo: [] };
	for (let round = 0; round < ROUNDS; round++) {
		for (const name of ["bulkhead", "sdk", "echo"] as const) {
			results[name].push(await load(servers[name], era, connections));
		}
	}
	const ratios = (of: (result: LoadResult) => number, against: LoadResult[]): Spread =>
		spreadOf(results.bulkhead.map((result, round) => of(result) / of(against[round] ?? result)));
	return {
		perSecond: Object.fromEntries(
			Object.entries(results).map(([name, all]) => [name, spreadOf(all.map((r) => r.perSecond))]),
		),
		p99Ms: Object.fromEntries(Object.entries(results).map(([name, all]) => [name, spreadOf(all.map((r) => r.p99Ms))])),
		failures: sum(
			Object.values(results)
				.flat()
				.map((result) => result.failures),
		),
		throughputAgainstSdk: ratios((result) => result.perSecond, results.sdk),
		p99AgainstSdk: ratios((result) => result.p99Ms, results.sdk),
		throughputAgainstEcho: ratios((result) => result.perSecond, results.echo),
	};
}

/** Two tools of two modules at once: two workers against one event loop. */
async function compareComputing(): Promise<unknown> {
	const ratios: number[] = [];
	for (let round = 0; round < ROUNDS; round++) {
		const perSecond = async (server: Server): Promise<number> =>
			(await run(loadFor(server, "legacy", 8, ["burn_1", "burn_2"], Math.max(2000, DURATION_MS)))).perSecond;
		ratios.push((await perSecond(servers.bulkhead)) / (await perSecond(servers.sdk)));
	}
	return { throughputAgainstSdk: spreadOf(ratios) };
}

async function compareScraped(): Promise<unknown> {
	const ratios: number[] = [];
	for (let round = 0; round < ROUNDS; round++) {
		const alone = await load(servers.bulkhead, "legacy", 16);
		const scraper = setInterval(() => {
			void fetch(servers.bulkhead.url.replace("/mcp", "/metrics")).then((response) => response.text());
		}, SCRAPE_INTERVAL_MS);
		const scraped = await load(servers.bulkhead, "legacy", 16);
		clearInterval(scraper);
		ratios.push(scraped.p99Ms / alone.p99Ms);
	}
	return { p99AgainstAlone: spreadOf(ratios) };
}

function load(server: Server, era: Era, connections: number): Promise<LoadResult> {
	return run(loadFor(server, era, connections, ["add"], DURATION_MS));
}

function loadFor({ url }: Server, era: Era, connections: number, tools: readonly string[], durationMs: number): Load {
	const modern = era === "modern";
	const bodies = tools.map((name) =>
		JSON.stringify({
			jsonrpc: "2.0",
			id: 1,
			method: "tools/call",
			params: { name, arguments: { a: 5, b: 7 }, ...(modern && { _meta: META }) },
		}),
	);
	const headers = {
		"content-type": "application/json",
		accept: "application/json, text/event-stream",
		...(modern && { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": tools[0] ?? "" }),
	};
	return { url, bodies, headers, connections, warmupMs: WARM_UP_MS, durationMs };
}

async function run(settings: Load): Promise<LoadResult> {
	return JSON.parse(await outputOf(spawnScript("load.ts", JSON.stringify(settings)))) as LoadResult;
}

async function start(file: string): Promise<Server> {
	const child = spawnScript(file);
	const [url] = (await once(child.stdout, "data")) as [Buffer];
	return { url: url.toString().trim(), process: child };
}

/** Without tsx: what runs is what Node makes of the sources, as in production. */
function spawnScript(file: string, ...args: readonly string[]) {
	return spawn(process.execPath, [path.join(FOLDER, file), ...args], { stdio: ["ignore", "pipe", "inherit"] });
}

async function outputOf(child: ReturnType<typeof spawnScript>): Promise<string> {
	let output = "";
	child.stdout.setEncoding("utf8").on("data", (text: string) => {
		output += text;
	});
	await once(child, "close");
	return output;
}

function spreadOf(values: readonly number[]): Spread {
	const sorted = values.toSorted((a, b) => a - b);
	const round = (value: number | undefined): number => Number((value ?? Number.NaN).toPrecision(4));
	return { median: round(sorted[Math.floor(sorted.length / 2)]), min: round(sorted[0]), max: round(sorted.at(-1)) };
}

function sum(values: readonly number[]): number {
	return values.reduce((total, value) => total + value, 0);
}
