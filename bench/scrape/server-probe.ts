/** What both servers of the scrape benchmark measure of themselves, in the same way. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { ServerReady, ServerReport } from "./protocol.ts";
import { spreadOf } from "./statistics.ts";

export interface ServerProbe {
	ready(port: number): void;
	/** A request has come in: measures until all of the answer is with the operating system. */
	scraped(request: IncomingMessage, response: ServerResponse): void;
	collected(milliseconds: number): void;
}

/** @param elsewhere bytes that series take up outside of the main thread's heap */
export function createServerProbe(elsewhere: () => Promise<number> = async () => 0): ServerProbe {
	const emptyMemoryBytes = memoryBytes();
	const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
	const collections: number[] = [];
	const mainThreadMs: { plain: number[]; gzip: number[] } = { plain: [], gzip: [] };

	process.once("disconnect", () => process.exit()); // the benchmark is gone
	process.on("message", () => void report());

	async function report(): Promise<void> {
		const said: ServerReport = {
			eventLoopHeld: { p50: held(50), p99: held(99), p999: held(99.9), max: held(100) },
			emptyMemoryBytes,
			memoryBytes: memoryBytes() + (await elsewhere()),
			mainThreadMs,
			collections: collections.length === 0 ? undefined : spreadOf(collections),
		};
		process.send?.(said);
	}

	return {
		ready(port) {
			globalThis.gc?.();
			delay.enable();
			process.send?.({ port } satisfies ServerReady);
		},
		scraped(request, response) {
			const before = process.threadCpuUsage();
			const times = request.headers["accept-encoding"] === "gzip" ? mainThreadMs.gzip : mainThreadMs.plain;
			response.once("finish", () => {
				const { user, system } = process.threadCpuUsage(before);
				times.push((user + system) / 1000);
			});
		},
		collected: (milliseconds) => collections.push(milliseconds),
	};

	/** The histogram holds the whole time between two looks at the clock; what is over its own period was held. */
	function held(percentile: number): number {
		const nanoseconds = percentile === 100 ? delay.max : delay.percentile(percentile);
		return Number(Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS).toFixed(2));
	}
}

/** For `keepAliveTimeout`: with very many series the other side takes longer for its scrapes than Node's five seconds. */
export const KEEP_CONNECTIONS = 0;
const RESOLUTION_MS = 1;

function memoryBytes(): number {
	for (let round = 0; round < 3; round++) globalThis.gc?.();
	const { heapUsed, external } = process.memoryUsage();
	return heapUsed + external;
}
