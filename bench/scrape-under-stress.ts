/**
 * Whether modules that misbehave slow the scrapes of the others down: a hundred scrapes a second of one host, by turns
 * with and without a module that hangs, one that floods and one that crashes in a loop. Prints one JSON document;
 * `node --import tsx bench/scrape-under-stress.ts [--rounds 8] [--seconds 5] [--main-priority normal] [--short]`.
 *
 * It is the same host in every round, and the two turns of a round follow one another, so that they differ in nothing but
 * the modules. Scrapes are sent when they are due, each over a connection that is free, whatever has become of those before:
 * none waits for a slow one without being counted.
 *
 * The scraper stands for one on another machine, where the host's modules cannot take its processor. So it asks for
 * real-time priority for itself, which `chrt` of util-linux gives to root; without, its own waiting is counted as well,
 * and the report says so.
 */
import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { HOST_FLAGS } from "../src/launch/launch-contract.ts";
import { connectRaw, type RawConnection } from "./scrape/raw-connection.ts";
import { spreadOf } from "./scrape/statistics.ts";

const { values } = parseArgs({
	options: {
		rounds: { type: "string", default: "8" },
		seconds: { type: "string", default: "5" },
		"main-priority": { type: "string", default: "realtime" },
		short: { type: "boolean", default: false },
	},
});
const ROUNDS = values.short ? 2 : Number(values.rounds);
const SECONDS = values.short ? 3 : Number(values.seconds);
const PER_SECOND = 100;
const WARM_UP_SECONDS = 5;
/** Before each turn, scraped as well: modules start or go, and the page is compiled once more. */
const SETTLE_SECONDS = 2;

interface Measured {
	readonly p50: number;
	readonly p99: number;
	readonly max: number;
	/** Share of a processor that the host's main thread took, which other processes of the machine cannot make larger. */
	readonly mainThreadCpu: number;
}

const child = fork(new URL("./scrape/stress-server.ts", import.meta.url), [values["main-priority"]], {
	execArgv: [...HOST_FLAGS, "--import", "tsx"],
});
const [{ url, isRealTime }] = (await once(child, "message")) as [{ url: string; isRealTime: boolean }];
const scraperIsRealTime = askForRealTime(); // not before the host has been started, which would inherit it
await scrapeFor(url, WARM_UP_SECONDS);
const rounds: { readonly calm: Measured; readonly stressed: Measured }[] = [];
for (let round = 0; round < ROUNDS; round++) {
	await ask(child, "behave");
	const calm = await measure();
	await ask(child, "misbehave");
	rounds.push({ calm, stressed: await measure() });
}
const misbehaved = await misbehaviourAt(url);
const exited = once(child, "exit");
child.send("stop");
await exited;

const spreads = (side: "calm" | "stressed") => ({
	p50: spreadOf(rounds.map((round) => round[side].p50)),
	p99: spreadOf(rounds.map((round) => round[side].p99)),
	max: spreadOf(rounds.map((round) => round[side].max)),
	mainThreadCpu: spreadOf(rounds.map((round) => round[side].mainThreadCpu)),
});
console.log(
	JSON.stringify(
		{
			benchmark: "scrape-under-stress",
			node: process.version,
			unit: "milliseconds",
			scrapesPerSecond: PER_SECOND,
			mainThreadIsRealTime: isRealTime,
			scraperIsRealTime,
			rounds: ROUNDS,
			secondsPerRound: SECONDS,
			calm: spreads("calm"),
			stressed: spreads("stressed"),
			p99TimesSlower: spreadOf(rounds.map(({ calm, stressed }) => stressed.p99 / calm.p99)),
			misbehaved,
		},
		undefined,
		"\t",
	),
);

function askForRealTime(): boolean {
	try {
		execFileSync("chrt", ["--fifo", "--pid", "10", String(process.pid)], { stdio: "ignore" });
		return true;
	} catch {
		return false;
	}
}

async function measure(): Promise<Measured> {
	await scrapeFor(url, SETTLE_SECONDS);
	const cpuBefore = await ask(child, "cpu");
	const times = (await scrapeFor(url, SECONDS)).toSorted((one, other) => one - other);
	const mainThreadCpu = ((await ask(child, "cpu")) - cpuBefore) / (SECONDS * 1000);
	const at = (share: number): number =>
		times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
	return { p50: at(0.5), p99: at(0.99), max: at(1), mainThreadCpu };
}

/** @returns the processor time of the host's main thread, in milliseconds */
async function ask(server: ChildProcess, what: "behave" | "misbehave" | "cpu"): Promise<number> {
	server.send(what);
	const [cpuMs] = (await once(server, "message")) as [number];
	return cpuMs;
}

/** Milliseconds that each scrape took from when it was sent. */
async function scrapeFor(page: string, seconds: number): Promise<readonly number[]> {
	const { port, host } = new URL(page);
	const request = `GET /metrics HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
	const idle: RawConnection[] = [];
	const times: number[] = [];
	const scrapes: Promise<void>[] = [];
	const startedAt = performance.now();
	for (let index = 0; index < seconds * PER_SECOND; index++) {
		const dueAt = startedAt + (index * 1000) / PER_SECOND;
		const early = dueAt - performance.now();
		if (early > 0) await setTimeout(early);
		scrapes.push(
			(async () => {
				const connection = openOne(idle) ?? (await connectRaw(Number(port)));
				const sentAt = performance.now();
				await connection.exchange(request);
				times.push(performance.now() - sentAt);
				idle.push(connection);
			})(),
		);
	}
	await Promise.all(scrapes);
	for (const connection of idle) connection.close();
	return times;
}

function openOne(idle: RawConnection[]): RawConnection | undefined {
	let connection = idle.pop();
	while (connection?.isOpen() === false) connection = idle.pop();
	return connection;
}

/** Shows that they did misbehave while they were measured. */
async function misbehaviourAt(origin: string): Promise<Readonly<Record<string, unknown>>> {
	interface Module {
		readonly id: string;
		readonly state: string;
		readonly restarts: unknown;
		readonly collection: { readonly drops: readonly { readonly reason: string; readonly count: number }[] } | null;
	}
	const { modules } = (await (await fetch(`${origin}/api/modules`)).json()) as { modules: readonly Module[] };
	return Object.fromEntries(
		modules
			.filter(({ id }) => !id.startsWith("metrics/good_"))
			.map(({ id, state, restarts, collection }) => {
				const lost = (collection?.drops ?? []).map(({ reason, count }) => `${reason}: ${count}`);
				return [id, { state, restarts, lost }];
			}),
	);
}
