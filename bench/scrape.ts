/**
 * What a scrape costs: the aggregated registry against the same series in one in-process prom-client registry behind
 * Express. Prints one JSON document; `node --import tsx bench/scrape.ts [--sizes 1000,10000,100000] [--rounds 21]`.
 *
 * Each side is a server process of its own, and this process scrapes them in turn over a kept connection, so that what
 * a noisy machine does to one round it does to both. A series is one line on the page. In ours the series come from
 * modules in a worker thread, and collections go on while it is scraped.
 *
 * A scrape is measured twice: from outside, from the request to the last byte, and in the server, as processor time of
 * its main thread. The first has in it what it takes to carry the bytes to this process, which is the same for both sides
 * and is shown as `transfer`: the same number of bytes from a server that does nothing else.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { HOST_FLAGS } from "../src/launch-contract.ts";
import type { ServerReady, ServerReport } from "./scrape/protocol.ts";
import { connectRaw, type RawConnection } from "./scrape/raw-connection.ts";
import { spreadOf } from "./scrape/statistics.ts";

const { values } = parseArgs({
	options: {
		sizes: { type: "string", default: "1000,10000,100000,1000000" },
		rounds: { type: "string", default: "21" },
		/** prom-client is given up above this: a page of a million series takes it minutes of a benchmark. */
		"baseline-up-to": { type: "string", default: "100000" },
	},
});
const MODULES = 100;
const WARM_UP_ROUNDS = 3;
const PAUSE_MS = 100;
const rounds = Number(values.rounds);

interface Server {
	readonly port: number;
	readonly socket: RawConnection;
	readonly ready: ServerReady;
	report(): Promise<ServerReport>;
	stop(): Promise<void>;
}

const results = [];
for (const series of values.sizes.split(",").map(Number)) {
	results.push(await measure(series, series <= Number(values["baseline-up-to"])));
}
console.log(
	JSON.stringify(
		{ benchmark: "scrape", node: process.version, modules: MODULES, rounds, unit: "milliseconds, bytes", results },
		undefined,
		"\t",
	),
);

async function measure(series: number, hasBaseline: boolean): Promise<object> {
	const ours = await start("aggregate-server", series, MODULES);
	const baseline = hasBaseline ? await start("prom-client-server", series, MODULES) : undefined;
	const pageBytes = (await scrape(ours, "plain")).bytes;
	const transfer = await start("transfer-server", pageBytes);
	const times = { plain: noTimes(), gzip: noTimes(), transfer: [] as number[] };
	for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
		for (const encoding of ["plain", "gzip"] as const) {
			times[encoding].ours.push((await scrape(ours, encoding)).milliseconds);
			if (baseline !== undefined) times[encoding].baseline.push((await scrape(baseline, encoding)).milliseconds);
		}
		times.transfer.push((await scrape(transfer, "plain")).milliseconds);
	}
	const report = await ours.report();
	const baselineReport = await baseline?.report();
	await Promise.all([ours.stop(), baseline?.stop(), transfer.stop()]);
	const mainThread = (encoding: "plain" | "gzip"): Times => ({
		ours: report.mainThreadMs[encoding],
		baseline: baselineReport?.mainThreadMs[encoding] ?? [],
	});
	return {
		series,
		pageBytes,
		plain: compare(times.plain),
		gzip: compare(times.gzip),
		mainThread: { plain: compare(mainThread("plain")), gzip: compare(mainThread("gzip")) },
		transfer: spreadOf(times.transfer.slice(-rounds)),
		eventLoopHeld: { ours: report.eventLoopHeld, baseline: baselineReport?.eventLoopHeld },
		collections: report.collections,
		bytesPerSeries: {
			ours: Math.round((report.memoryBytes - ours.ready.emptyMemoryBytes) / series),
			baseline:
				baseline === undefined || baselineReport === undefined
					? undefined
					: Math.round((baselineReport.memoryBytes - baseline.ready.emptyMemoryBytes) / series),
		},
	};
}

/** Milliseconds of each scrape, those that warmed up first. */
interface Times {
	readonly ours: readonly number[];
	readonly baseline: readonly number[];
}

function noTimes(): { ours: number[]; baseline: number[] } {
	return { ours: [], baseline: [] };
}

function compare(times: Times): object {
	const [ours, baseline] = [times.ours.slice(-rounds), times.baseline.slice(-rounds)];
	if (baseline.length === 0) return { ours: spreadOf(ours) };
	const ratios = baseline.map((time, round) => time / (ours[round] ?? Number.NaN));
	return { ours: spreadOf(ours), baseline: spreadOf(baseline), timesFaster: spreadOf(ratios) };
}

async function start(
	name: "aggregate-server" | "prom-client-server" | "transfer-server",
	...sizes: readonly number[]
): Promise<Server> {
	const child = fork(new URL(`./scrape/${name}.ts`, import.meta.url), sizes.map(String), {
		execArgv: [...HOST_FLAGS, "--import", "tsx", "--expose-gc", "--max-old-space-size=8192"],
	});
	const [ready] = (await once(child, "message")) as [ServerReady];
	return {
		port: ready.port,
		socket: await connectRaw(ready.port),
		ready,
		async report() {
			child.send("report");
			const [report] = (await once(child, "message")) as [ServerReport];
			return report;
		},
		async stop() {
			child.kill("SIGKILL");
			await once(child, "exit");
		},
	};
}

/**
 * One scrape over the server's kept connection, without an HTTP client: reading ten megabytes through one takes longer
 * than the server needs for them, and would be counted for both sides.
 */
async function scrape(
	{ port, socket }: Server,
	encoding: "plain" | "gzip",
): Promise<{ milliseconds: number; bytes: number }> {
	const accept = encoding === "gzip" ? "Accept-Encoding: gzip\r\n" : "";
	const request = `GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${accept}\r\n`;
	// What the other side left to its garbage collector must not be paid for by this one.
	await setTimeout(PAUSE_MS);
	const started = performance.now();
	const bytes = await socket.exchange(request);
	return { milliseconds: performance.now() - started, bytes };
}
