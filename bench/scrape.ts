/**
 * What a scrape costs: the aggregated registry against the same series in one in-process prom-client registry behind
 * Express. Prints one JSON document; `node --import tsx bench/scrape.ts [--sizes 1000,10000,100000] [--rounds 21]`. With
 * very many series there are fewer rounds, since prom-client takes seconds for each; of a side that fails, its error is there.
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
import { HOST_FLAGS } from "../src/launch/launch-contract.ts";
import type { ServerReady, ServerReport } from "./scrape/protocol.ts";
import { connectRaw, type RawConnection } from "./scrape/raw-connection.ts";
import { spreadOf } from "./scrape/statistics.ts";

const { values } = parseArgs({
	options: {
		sizes: { type: "string", default: "1000,10000,100000,1000000" },
		rounds: { type: "string", default: "21" },
	},
});
const MODULES = 100;
const WARM_UP_ROUNDS = 3;
const PAUSE_MS = 100;
/** All rounds of a size together, so that a million series is measured in two minutes. */
const MAX_SERIES_SCRAPED = 7_000_000;
const MIN_ROUNDS = 5;
const START_TIMEOUT_MS = 120_000;

interface Server {
	readonly port: number;
	readonly socket: RawConnection;
	report(): Promise<ServerReport>;
	stop(): Promise<void>;
}

const results = [];
for (const series of values.sizes.split(",").map(Number)) {
	const fitting = Math.max(MIN_ROUNDS, Math.floor(MAX_SERIES_SCRAPED / series));
	results.push(await measure(series, Math.min(Number(values.rounds), fitting)));
}
console.log(
	JSON.stringify(
		{ benchmark: "scrape", node: process.version, modules: MODULES, unit: "milliseconds, bytes", results },
		undefined,
		"\t",
	),
);

async function measure(series: number, rounds: number): Promise<object> {
	const ours = await start("aggregate-server", series, MODULES);
	const baseline = await attempt(start("prom-client-server", series, MODULES));
	const pageBytes = (await scrape(ours, "plain")).bytes;
	const transfer = await start("transfer-server", pageBytes);
	const times = { plain: noTimes(), gzip: noTimes(), transfer: [] as number[] };
	for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
		for (const encoding of ["plain", "gzip"] as const) {
			times[encoding].ours.push((await scrape(ours, encoding)).milliseconds);
			await baseline.use(async (server) =>
				times[encoding].baseline.push((await scrape(server, encoding)).milliseconds),
			);
		}
		times.transfer.push((await scrape(transfer, "plain")).milliseconds);
	}
	const report = await ours.report();
	const baselineReport = await baseline.use((server) => server.report());
	await Promise.all([ours.stop(), baseline.use((server) => server.stop()), transfer.stop()]);
	const mainThread = (encoding: "plain" | "gzip"): Times => ({
		ours: report.mainThreadMs[encoding],
		baseline: baselineReport?.mainThreadMs[encoding] ?? [],
	});
	return {
		series,
		rounds,
		pageBytes,
		baselineError: baseline.error?.message,
		plain: compare(times.plain, rounds),
		gzip: compare(times.gzip, rounds),
		mainThread: { plain: compare(mainThread("plain"), rounds), gzip: compare(mainThread("gzip"), rounds) },
		transfer: spreadOf(times.transfer.slice(-rounds)),
		eventLoopHeld: { ours: report.eventLoopHeld, baseline: baselineReport?.eventLoopHeld },
		collections: report.collections,
		bytesPerSeries: {
			ours: Math.round((report.memoryBytes - report.emptyMemoryBytes) / series),
			baseline:
				baselineReport === undefined
					? undefined
					: Math.round((baselineReport.memoryBytes - baselineReport.emptyMemoryBytes) / series),
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

function compare(times: Times, rounds: number): object {
	const [ours, baseline] = [times.ours.slice(-rounds), times.baseline.slice(-rounds)];
	if (baseline.length < rounds) return { ours: spreadOf(ours) };
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
	const said = async <Message>(): Promise<Message> => {
		const over = new AbortController();
		try {
			const signal = AbortSignal.any([over.signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
			const ended = once(child, "exit", { signal }).then(([code, how]: unknown[]) => {
				throw new Error(`${name} ended: ${String(how ?? code)}`);
			});
			const [message] = (await Promise.race([once(child, "message", { signal }), ended])) as [Message];
			return message;
		} finally {
			over.abort();
		}
	};
	try {
		const { port } = await said<ServerReady>();
		return {
			port,
			socket: await connectRaw(port),
			report() {
				child.send("report");
				return said<ServerReport>();
			},
			stop,
		};
	} catch (error) {
		await stop();
		throw error;
	}

	async function stop(): Promise<void> {
		if (child.exitCode !== null || !child.kill("SIGKILL")) return;
		await once(child, "exit");
	}
}

/** A server that may be missing, or fail on the way: from its first error on nothing more is asked of it. */
interface Attempt {
	readonly error: Error | undefined;
	/** @returns undefined when it has failed */
	use<Result>(work: (server: Server) => Promise<Result>): Promise<Result | undefined>;
}

async function attempt(starting: Promise<Server>): Promise<Attempt> {
	let server: Server | undefined;
	let error: Error | undefined;
	const noted = async <Result>(work: Promise<Result>): Promise<Result | undefined> => {
		try {
			return await work;
		} catch (thrown) {
			error = thrown instanceof Error ? thrown : new Error(String(thrown));
			await server?.stop();
			return undefined;
		}
	};
	server = await noted(starting);
	return {
		get error() {
			return error;
		},
		use: async (work) => (server === undefined || error !== undefined ? undefined : noted(work(server))),
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
