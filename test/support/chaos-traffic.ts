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
	/** Answers that took longer than `SLOW_MS`, beyond what the machine kept this client itself waiting. */
	readonly slow: readonly string[];
	/** The longest that an answer took, in milliseconds. */
	readonly slowestMs: number;
}

/** What nobody may be delayed by. */
export const SLOW_MS = 250;
const PAUSE_MS = 10;

export function startTraffic(url: string): Traffic {
	const client = createClient(url, true);
	const windows = new Set<Window>();
	const machine = watchMachine();
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
			const held = machine.watch();
			try {
				await send();
			} catch (error) {
				failed += 1;
				for (const window of windows) window.failures.push(`${what}: ${String(error)}`);
			}
			const tookMs = performance.now() - startedAt;
			const heldMs = held();
			for (const window of windows) {
				window.slowestMs = Math.max(window.slowestMs, tookMs);
				if (tookMs - heldMs <= SLOW_MS) continue;
				window.slow.push(`${what}: ${Math.round(tookMs)} ms, ${Math.round(heldMs)} of them the machine's`);
			}
			await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
		}
	}
	const loops = [loop("scrape", scrape), loop("call", call)];

	return {
		watch() {
			const window: Window = { scrapes: 0, calls: 0, failures: [], slow: [], slowestMs: 0 };
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
	slowestMs: number;
}

/**
 * How long the machine kept somebody waiting who only sleeps: a timer of this process, which shares the processors with
 * the host and does next to nothing. What both of them wait for is no doing of the host's, nor of a module's in it; on a
 * machine where nothing else runs it is next to nothing as well, and the limit then holds as it is.
 */
function watchMachine() {
	const lateness = new Set<{ sumMs: number }>();
	let dueAt = performance.now() + TICK_MS;
	const timer = setInterval(() => {
		const now = performance.now();
		const lateMs = Math.max(0, now - dueAt);
		dueAt = now + TICK_MS;
		for (const each of lateness) each.sumMs += lateMs;
	}, TICK_MS);
	return {
		watch() {
			const late = { sumMs: 0 };
			lateness.add(late);
			return () => {
				lateness.delete(late);
				return late.sumMs + Math.max(0, performance.now() - dueAt);
			};
		},
		stop: () => clearInterval(timer),
	};
}

const TICK_MS = 5;
