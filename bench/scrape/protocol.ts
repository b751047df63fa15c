/** What the servers of the scrape benchmark tell it. */
import type { Spread } from "./statistics.ts";

/** Once, when the server listens and has all of its series. */
export interface ServerReady {
	readonly port: number;
}

/** In answer to the message `report`. */
export interface ServerReport {
	/** How long the event loop was held between two turns since the server was ready, in milliseconds. */
	readonly eventLoopHeld: { readonly p50: number; readonly p99: number; readonly p999: number; readonly max: number };
	/** Processor time of the main thread for each scrape in order, in milliseconds; work that came in between included. */
	readonly mainThreadMs: { readonly plain: readonly number[]; readonly gzip: readonly number[] };
	/** Heap and buffers before there was any series, in bytes. */
	readonly emptyMemoryBytes: number;
	/** The same after a full garbage collection. */
	readonly memoryBytes: number;
	/** How long a collection took from the snapshot's arrival to its place on the page, in milliseconds. */
	readonly collections: Spread | undefined;
}
