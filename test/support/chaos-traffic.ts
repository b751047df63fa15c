import { monitorEventLoopDelay } from "node:perf_hooks";
import { createClient } from "./http-client.ts";
import { until } from "./until.ts";

/** A client of the modules that behave, which scrapes and calls all the time. */
export interface Traffic {
	/** What has happened since the last report. */
	report(): TrafficReport;
	/** Resolves after this many more scrapes and calls. */
	rounds(count: number): Promise<void>;
	stop(): Promise<void>;
}

export interface TrafficReport {
	readonly scrapes: number;
	readonly calls: number;
	/** Each scrape and call that was not answered as it must be. */
	readonly failures: readonly string[];
	/** The longest that an answer took, in milliseconds. */
	readonly slowestMs: number;
	/** The same as seen by nobody but this client: the longest that its own event loop was held. */
	readonly clientHeldMs: number;
}

const PAUSE_MS = 10;
const NANOSECONDS_PER_MS = 1e6;

export function startTraffic(url: string): Traffic {
	const client = createClient(url);
	const ownDelay = monitorEventLoopDelay({ resolution: 5 });
	ownDelay.enable();
	let going = true;
	const done = { scrapes: 0, calls: 0 };
	let failures: string[] = [];
	let reported = { ...done };
	let slowestMs = 0;
	let collections = 0;
	let answered = 0;

	async function scrape(): Promise<void> {
		const { status, body } = await client.get("/metrics");
		const value = Number(/^steady_collections (\S+)$/m.exec(body)?.[1]);
		if (status !== 200) throw new Error(`status ${status}`);
		const before = collections;
		collections = value;
		if (!(value >= before)) throw new Error(`steady_collections is ${value} after ${before}`);
		done.scrapes += 1;
	}
	async function call(): Promise<void> {
		const { status, body } = await client.post("/execute", { tool_name: "steady", arguments: {} });
		const { content } = JSON.parse(body) as { readonly content?: readonly { readonly text?: string }[] };
		const count = Number(content?.[0]?.text);
		const before = answered;
		answered = count;
		if (status !== 200 || !(count > before)) throw new Error(`status ${status}, ${body} after ${before}`);
		done.calls += 1;
	}
	async function loop(what: string, send: () => Promise<void>): Promise<void> {
		while (going) {
			const startedAt = performance.now();
			try {
				await send();
			} catch (error) {
				failures.push(`${what}: ${String(error)}`);
			}
			slowestMs = Math.max(slowestMs, performance.now() - startedAt);
			await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
		}
	}
	const loops = [loop("scrape", scrape), loop("call", call)];

	return {
		report() {
			const report = {
				scrapes: done.scrapes - reported.scrapes,
				calls: done.calls - reported.calls,
				failures,
				slowestMs: Math.round(slowestMs),
				clientHeldMs: Math.round(ownDelay.max / NANOSECONDS_PER_MS),
			};
			reported = { ...done };
			failures = [];
			slowestMs = 0;
			ownDelay.reset();
			return report;
		},
		async rounds(count) {
			const { scrapes, calls } = done;
			const { length } = failures;
			await until(
				() => (done.scrapes >= scrapes + count && done.calls >= calls + count) || failures.length > length,
				`${count} rounds of traffic`,
			);
		},
		async stop() {
			going = false;
			await Promise.all(loops);
			ownDelay.disable();
			client.close();
		},
	};
}
