// A counter, a histogram and a summary of one thing: how long this module's thread takes to hash a block of data.
// Histograms of many instances can be added up, summaries cannot; but a summary knows its quantiles without buckets.
// `options` asks for an interval and a deadline of its own.

import { createHash } from "node:crypto";
import { Counter, Histogram, Summary } from "prom-client";
import type { MetricOptions } from "../workers/contract.ts";

const BLOCKS_PER_RUN = 8;
const BLOCK = Buffer.alloc(256 * 1024);

const hashed = new Counter({ name: "hash_bytes_total", help: "Bytes hashed with SHA-256" });

const duration = new Histogram({
	name: "hash_duration_seconds",
	help: "Time to hash 256 KiB with SHA-256",
	buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01],
});

const recentDuration = new Summary({
	name: "hash_recent_duration_seconds",
	help: "Time to hash 256 KiB with SHA-256, over the last ten minutes",
	percentiles: [0.5, 0.9, 0.99],
	maxAgeSeconds: 600,
	ageBuckets: 5,
});

export const options: MetricOptions = { intervalMs: 10_000, timeoutMs: 2000 };

export function process(): void {
	for (let block = 0; block < BLOCKS_PER_RUN; block++) {
		const startedAt = performance.now();
		createHash("sha256").update(BLOCK).digest();
		const seconds = (performance.now() - startedAt) / 1000;
		hashed.inc(BLOCK.length);
		duration.observe(seconds);
		recentDuration.observe(seconds);
	}
}
