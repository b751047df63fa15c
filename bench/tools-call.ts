/**
 * How fast a tool call is: against the same tool in an SDK server on Express, in fastmcp and behind supergateway, against
 * a bare HTTP server with a worker behind it, and beside a scraper. `node bench/tools-call.ts [--short] [--rounds N]
 * [--no-competitors]`, over the built product. Prints JSON: per comparison the ratios, their median and their spread.
 * The servers that are compared run at the same time and take turns under load, so what else the machine does falls on
 * all of them. Processor time per call says more than calls per second where the load generator shares the processors.
 */
import { fork, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { availableParallelism, loadavg } from "node:os";
import path from "node:path";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { ServerReady } from "./scrape/protocol.ts";
import { connectRaw } from "./scrape/raw-connection.ts";
import type { Load, LoadResult } from "./tools-call/load.ts";
import {
	CLIENT_INFO,
	installCompetitors,
	type Server,
	startFastmcp,
	startServer,
	startSupergateway,
} from "./tools-call/servers.ts";

const { values: options } = parseArgs({
	options: {
		short: { type: "boolean", default: false },
		rounds: { type: "string" },
		"no-competitors": { type: "boolean", default: false },
	},
});
const ROUNDS = Number(options.rounds) || (options.short ? 1 : 5);
const DURATION_MS = options.short ? 1000 : 3000;
const WARM_UP_MS = options.short ? 500 : 1000;
const CONNECTIONS = [16, 64];
const SCRAPE_INTERVAL_MS = 100;
/** A p99 differs by half from one run to the next. */
const SCRAPED_ROUNDS = options.short ? 1 : 9;
const META = {
	"io.modelcontextprotocol/protocolVersion": "2026-07-28",
	"io.modelcontextprotocol/clientInfo": CLIENT_INFO,
	"io.modelcontextprotocol/clientCapabilities": {},
};

type Era = "2025" | "2026";
interface Spread {
	readonly median: number;
	readonly min: number;
	readonly max: number;
}
interface Measured extends LoadResult {
	/** Processor time of the server, all its threads and processes, per call. */
	readonly cpuMicrosPerCall: number;
}
type Results = Readonly<Record<string, readonly Measured[]>>;

spawnSync(process.execPath, [path.join(import.meta.dirname, "../scripts/build.mjs"), "--if-stale"], {
	stdio: "inherit",
});
const servers: Record<string, Server> = {};
const report: Record<string, unknown> = {
	node: process.version,
	cpus: availableParallelism(),
	loadAverageBefore: loadavg()[0],
	rounds: ROUNDS,
	durationMs: DURATION_MS,
};
try {
	servers["bulkhead"] = await startServer("serve-bulkhead.ts");
	servers["sdk"] = await startServer("serve-sdk.ts");
	servers["echo"] = await startServer("serve-echo.ts");
	for (const connections of CONNECTIONS) {
		for (const era of ["2025", "2026"] as const) {
			const results = await inTurns(["bulkhead", "sdk", "echo"], era, connections);
			report[`${era}, ${connections} connections`] = {
				...summaryOf(results),
				throughputAgainstSdk: ratios(results, "sdk", ({ perSecond }) => perSecond),
				p99AgainstSdk: ratios(results, "sdk", ({ p99Ms }) => p99Ms),
				cpuAgainstSdk: ratios(results, "sdk", ({ cpuMicrosPerCall }) => cpuMicrosPerCall),
				throughputAgainstEcho: ratios(results, "echo", ({ perSecond }) => perSecond),
			};
		}
	}
	report["two modules, 50 ms of computing, against one process"] = await compareComputing();
	report["p99 beside a scrape each 100 ms"] = await compareScraped();
	if (!options["no-competitors"]) report["2025, 16 connections, against others"] = await compareOthers();
	process.stdout.write(`${JSON.stringify(report, null, "\t")}\n`);
} finally {
	await Promise.all(Object.values(servers).map((server) => server.stop()));
}

async function compareOthers(): Promise<unknown> {
	installCompetitors();
	servers["fastmcp"] = await startFastmcp();
	servers["supergateway"] = await startSupergateway();
	const results = await inTurns(["bulkhead", "fastmcp", "supergateway"], "2025", 16);
	return {
		...summaryOf(results),
		throughputAgainstFastmcp: ratios(results, "fastmcp", ({ perSecond }) => perSecond),
		throughputAgainstSupergateway: ratios(results, "supergateway", ({ perSecond }) => perSecond),
	};
}

/** Two tools of two modules at once: two workers against one event loop. */
async function compareComputing(): Promise<unknown> {
	const found: number[] = [];
	for (let round = 0; round < ROUNDS; round++) {
		const perSecond = async (server: Server | undefined): Promise<number> =>
			(await load(server, "2025", 8, ["burn_1", "burn_2"], Math.max(2000, DURATION_MS))).perSecond;
		found.push((await perSecond(servers["bulkhead"])) / (await perSecond(servers["sdk"])));
	}
	return { throughputAgainstSdk: spreadOf(found) };
}

/**
 * By turns, in another order each round, since the first under load after a pause has the worst p99: alone; scraped by a
 * client that asks for gzip and does not decompress, as if it were on another machine; and with the same client scraping
 * as many bytes from a server that has nothing to do with it, which is what the third process alone takes away.
 */
async function compareScraped(): Promise<unknown> {
	const bulkhead = servers["bulkhead"];
	if (bulkhead === undefined) throw new Error("this server was not started");
	const port = Number(new URL(bulkhead.url).port);
	const pageBytes = await scrapeOnce(port);
	const elsewhere = fork(new URL("scrape/transfer-server.ts", import.meta.url), [String(pageBytes)]);
	try {
		const [ready] = (await once(elsewhere, "message")) as [ServerReady];
		const ports = { alone: undefined, scraped: port, elsewhere: ready.port } as const;
		const names = Object.keys(ports) as (keyof typeof ports)[];
		const p99: Record<keyof typeof ports, number[]> = { alone: [], scraped: [], elsewhere: [] };
		for (let round = 0; round < SCRAPED_ROUNDS; round++) {
			for (const [index] of names.entries()) {
				const name = names[(index + round) % names.length] ?? "alone";
				p99[name].push(await p99Beside(ports[name]));
			}
		}
		const over = (name: keyof typeof ports, against: keyof typeof ports): Spread =>
			spreadOf(p99[name].map((value, round) => value / (p99[against][round] ?? Number.NaN)));
		return {
			rounds: SCRAPED_ROUNDS,
			pageBytes,
			p99AgainstAlone: over("scraped", "alone"),
			p99AgainstScrapeElsewhere: over("scraped", "elsewhere"),
			scrapeElsewhereAgainstAlone: over("elsewhere", "alone"),
		};
	} finally {
		elsewhere.kill();
	}
}

/** The p99 of calls while somebody scrapes this port every 100 ms. @throws when it was scraped much more rarely */
async function p99Beside(port: number | undefined): Promise<number> {
	const over = new AbortController();
	const scraping = port === undefined ? undefined : scrapeUntil(port, over.signal);
	try {
		const { p99Ms } = await load(servers["bulkhead"], "2025", 16);
		over.abort();
		const scrapes = await scraping;
		const least = (WARM_UP_MS + DURATION_MS) / SCRAPE_INTERVAL_MS / 2;
		if (scrapes !== undefined && scrapes < least) throw new Error(`${scrapes} scrapes, fewer than ${least}`);
		return p99Ms;
	} finally {
		over.abort();
	}
}

/** One after the other over one connection; @returns how many. */
async function scrapeUntil(port: number, signal: AbortSignal): Promise<number> {
	const connection = await connectRaw(port);
	let scrapes = 0;
	for (let dueAt = performance.now(); !signal.aborted; dueAt += SCRAPE_INTERVAL_MS) {
		await setTimeout(Math.max(0, dueAt - performance.now()));
		await connection.exchange(scrapeRequest(port));
		scrapes++;
	}
	connection.close();
	return scrapes;
}

/** @returns the size of the page as it is sent */
async function scrapeOnce(port: number): Promise<number> {
	const connection = await connectRaw(port);
	const bytes = await connection.exchange(scrapeRequest(port));
	connection.close();
	return bytes;
}

function scrapeRequest(port: number): string {
	return `GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept-Encoding: gzip\r\n\r\n`;
}

async function inTurns(names: readonly string[], era: Era, connections: number): Promise<Results> {
	const results: Record<string, Measured[]> = Object.fromEntries(names.map((name) => [name, []]));
	for (let round = 0; round < ROUNDS; round++) {
		for (const name of names) results[name]?.push(await load(servers[name], era, connections));
	}
	return results;
}

async function load(
	server: Server | undefined,
	era: Era,
	connections: number,
	tools: readonly string[] = ["add"],
	durationMs = DURATION_MS,
): Promise<Measured> {
	if (server === undefined) throw new Error("this server was not started");
	const modern = era === "2026";
	// An id of its own for each connection: in a session, two requests with one id may not run at a time.
	const bodies = Array.from({ length: connections }, (_, index) =>
		JSON.stringify({
			jsonrpc: "2.0",
			id: index + 1,
			method: "tools/call",
			params: { name: tools[index % tools.length], arguments: { a: 5, b: 7 }, ...(modern && { _meta: META }) },
		}),
	);
	const headers = {
		"content-type": "application/json",
		accept: "application/json, text/event-stream",
		...(server.session !== undefined && { "mcp-session-id": server.session }),
		...(modern && { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": tools[0] ?? "" }),
	};
	const settings: Load = { url: server.url, bodies, headers, connections, warmupMs: WARM_UP_MS, durationMs };
	const before = server.cpuSeconds();
	const result = await run(settings);
	return { ...result, cpuMicrosPerCall: ((server.cpuSeconds() - before) * 1e6) / result.calls };
}

async function run(settings: Load): Promise<LoadResult> {
	const generator = path.join(import.meta.dirname, "tools-call/load.ts");
	const child = spawn(process.execPath, [generator, JSON.stringify(settings)], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	let output = "";
	child.stdout.setEncoding("utf8").on("data", (text: string) => {
		output += text;
	});
	await once(child, "close");
	return JSON.parse(output) as LoadResult;
}

function summaryOf(results: Results): Record<string, unknown> {
	const each = (of: (result: Measured) => number): Record<string, Spread> =>
		Object.fromEntries(Object.entries(results).map(([name, all]) => [name, spreadOf(all.map(of))]));
	return {
		perSecond: each(({ perSecond }) => perSecond),
		p99Ms: each(({ p99Ms }) => p99Ms),
		cpuMicrosPerCall: each(({ cpuMicrosPerCall }) => cpuMicrosPerCall),
		failures: Object.values(results)
			.flat()
			.reduce((total, { failures }) => total + failures, 0),
	};
}

/** Bulkhead's figure over the other's, round by round. */
function ratios(results: Results, against: string, of: (result: Measured) => number): Spread {
	const others = results[against] ?? [];
	return spreadOf((results["bulkhead"] ?? []).map((result, round) => of(result) / of(others[round] ?? result)));
}

function spreadOf(values: readonly number[]): Spread {
	const sorted = values.toSorted((a, b) => a - b);
	const round = (value: number | undefined): number => Number((value ?? Number.NaN).toPrecision(4));
	return { median: round(sorted[Math.floor(sorted.length / 2)]), min: round(sorted[0]), max: round(sorted.at(-1)) };
}
