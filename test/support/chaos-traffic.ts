import { readFileSync } from "node:fs";
import { createClient } from "./http-client.ts";
import { until } from "./until.ts";

/** A client of the modules that behave, which scrapes and calls all the time. */
export interface Traffic {
	/** Opens a window on what happens from now on; what it returns closes it. Windows may overlap. */
	watch(): () => TrafficReport;
	/** Resolves after this many more scrapes and calls. */
	rounds(count: number): Promise<void>;
	stop(): Promise<void>;
}

export interface TrafficReport {
	readonly scrapes: number;
	readonly calls: number;
	/** Each scrape and call that was not answered as it must be. */
	readonly failures: readonly string[];
	/** Answers that the host kept waiting for longer than it may, see `isSlow`. */
	readonly slow: readonly string[];
	/** Answers that took longer than `LIMIT_MS`, whoever was the cause. */
	readonly overLimit: number;
	/** The longest that an answer took, in milliseconds. */
	readonly slowestMs: number;
}

/** What nobody may be delayed by, in milliseconds. */
export const LIMIT_MS = 250;
/** What an answer may take beyond what the machine took of it; see `isSlow`. */
const BLOCKED_LIMIT_MS = 1000;
const PAUSE_MS = 10;

/** @param pid of the host process */
export function startTraffic(url: string, pid: number): Traffic {
	const client = createClient(url, true);
	const windows = new Set<Window>();
	const machine = watchMachine(pid);
	let going = true;
	let scrapes = 0;
	let calls = 0;
	let failed = 0;
	let collections = 0;
	let answered = 0;

	async function scrape(): Promise<void> {
		const { status, body } = await client.get("/metrics");
		const value = Number(/^steady_collections (\S+)$/m.exec(body)?.[1]);
		const before = collections;
		collections = value;
		if (status !== 200) throw new Error(`status ${status}`);
		if (!(value >= before)) throw new Error(`steady_collections is ${value} after ${before}`);
		scrapes += 1;
		for (const window of windows) window.scrapes += 1;
	}
	async function call(): Promise<void> {
		const { status, body } = await client.post("/execute", { tool_name: "steady", arguments: {} });
		const { content } = JSON.parse(body) as { readonly content?: readonly { readonly text?: string }[] };
		const count = Number(content?.[0]?.text);
		const before = answered;
		answered = count;
		if (status !== 200 || !(count > before)) throw new Error(`status ${status}, ${body} after ${before}`);
		calls += 1;
		for (const window of windows) window.calls += 1;
	}
	async function loop(what: string, send: () => Promise<void>): Promise<void> {
		while (going) {
			const startedAt = performance.now();
			const spent = machine.watch();
			try {
				await send();
			} catch (error) {
				failed += 1;
				for (const window of windows) window.failures.push(`${what}: ${String(error)}`);
			}
			const tookMs = performance.now() - startedAt;
			const { busyMs, waitedMs } = spent();
			for (const window of windows) {
				window.slowestMs = Math.max(window.slowestMs, tookMs);
				if (tookMs > LIMIT_MS) window.overLimit += 1;
				if (!isSlow(tookMs, busyMs, waitedMs)) continue;
				const [took, busy, waited] = [tookMs, busyMs, waitedMs].map(Math.round);
				window.slow.push(`${what}: ${took} ms, main busy for ${busy}, the machine for ${waited}`);
			}
			await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
		}
	}
	const loops = [loop("scrape", scrape), loop("call", call)];

	return {
		watch() {
			const window: Window = { scrapes: 0, calls: 0, failures: [], slow: [], overLimit: 0, slowestMs: 0 };
			windows.add(window);
			return () => {
				windows.delete(window);
				return window;
			};
		},
		async rounds(count) {
			const target = { scrapes: scrapes + count, calls: calls + count, failed };
			await until(
				() => (scrapes >= target.scrapes && calls >= target.calls) || failed > target.failed,
				`${count} rounds of traffic`,
			);
		},
		async stop() {
			going = false;
			await Promise.all(loops);
			machine.stop();
			client.close();
		},
	};
}

interface Window {
	scrapes: number;
	calls: number;
	readonly failures: string[];
	readonly slow: string[];
	overLimit: number;
	slowestMs: number;
}

/**
 * Whether the host is to blame. It is when its main thread itself ran for so long in the meantime: that is what a flood or a
 * huge answer does. Time that passed otherwise is the machine's as long as it is shared: a `spawn` alone, which stops its
 * caller until the new process has had a processor, was seen to take 290 ms at a load of four for each of them. So beyond
 * what is known to be the machine's there is room, but not for a main thread that waits for a module.
 */
function isSlow(tookMs: number, busyMs: number, waitedMs: number): boolean {
	return busyMs > LIMIT_MS || tookMs - waitedMs > BLOCKED_LIMIT_MS;
}

/**
 * What became of the time: how long the host's main thread ran; and how long it was ready to run and had no processor, or a
 * timer of this process, which does next to nothing, came late.
 */
function watchMachine(pid: number) {
	let lateMs = 0;
	let dueAt = performance.now() + TICK_MS;
	const timer = setInterval(() => {
		const now = performance.now();
		lateMs += Math.max(0, now - dueAt);
		dueAt = now + TICK_MS;
	}, TICK_MS);
	const read = () => {
		const { ranMs, queuedMs } = readSchedule(pid);
		return { ranMs, waitedMs: queuedMs + lateMs + Math.max(0, performance.now() - dueAt) };
	};
	return {
		watch() {
			const before = read();
			return () => {
				const after = read();
				return { busyMs: after.ranMs - before.ranMs, waitedMs: after.waitedMs - before.waitedMs };
			};
		},
		stop: () => clearInterval(timer),
	};
}

/** Of the main thread, since it began; see `Documentation/scheduler/sched-stats.rst` of Linux. */
function readSchedule(pid: number): { readonly ranMs: number; readonly queuedMs: number } {
	try {
		const [ranNs, queuedNs] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "latin1").split(" ").map(Number);
		return { ranMs: (ranNs ?? 0) / NANOSECONDS_PER_MS, queuedMs: (queuedNs ?? 0) / NANOSECONDS_PER_MS };
	} catch {
		return { ranMs: 0, queuedMs: 0 }; // it has ended, which shows elsewhere; or the kernel does not say
	}
}

const NANOSECONDS_PER_MS = 1e6;
const TICK_MS = 5;
