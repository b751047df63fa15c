/** Ours: the series in a worker thread, snapshots over a port, the aggregate's page behind Express. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Worker } from "node:worker_threads";
import express from "express";
import { createMetricsAggregate } from "../../src/metrics/aggregate.ts";
import { startIntake } from "../../src/metrics/ingest/start-ingest.ts";
import { createHostMetrics, type HostMetricsOptions } from "../../src/metrics/self/host-metrics.ts";
import { createServerProbe, KEEP_CONNECTIONS } from "./server-probe.ts";

const [series = 0, modules = 1] = process.argv.slice(2).map(Number);
const probe = createServerProbe(async () => (await heapBytes(intakeThread)) - emptyIntakeBytes);
const host = createHostMetrics({ version: "0.0.0", revision: "bench", serverName: "bench", now: Date.now, sample });
const limits = { maxSeries: 1_000_000, maxLabels: 30, maxLabelLength: 1024 };
const maxAgeMs = 300_000;
const threadMade = once(process, "worker") as Promise<[Worker]>;
const intake = startIntake({
	hostFamilies: host.sources.flatMap(({ families }) => families),
	maxSeries: limits.maxSeries,
	leaseMs: maxAgeMs,
	counterState: false,
});
const [intakeThread] = await threadMade;
const aggregate = createMetricsAggregate({
	intake,
	limitsOf: () => limits,
	maxAgeMs,
	now: Date.now,
	host: host.sources,
	onDrop(moduleId, reason) {
		throw new Error(`the benchmark lost series: ${moduleId} ${reason}`);
	},
});
await aggregate.accept("metrics/nothing", new Uint8Array(), { generation: 1 }); // its code is there from here on
const emptyIntakeBytes = await heapBytes(intakeThread);

// The worker sends each module's snapshot in turn, spread over the interval, as the host's schedule does.
const worker = new Worker(new URL("./snapshot-worker.ts", import.meta.url), {
	workerData: { series, modules, intervalMs: 15_000 },
	execArgv: ["--import", "tsx"],
});
const seen = new Set<string>();
await new Promise<void>((resolve) => {
	worker.on("message", ({ moduleId, bytes }: { moduleId: string; bytes: Uint8Array }) => {
		void take(moduleId, bytes).then(() => {
			if (seen.add(moduleId).size === modules) resolve();
		});
	});
});

async function heapBytes(thread: Worker): Promise<number> {
	// Which collects its garbage first; there is no other way to ask for that from outside.
	(await thread.getHeapSnapshot()).destroy();
	const { used_heap_size: heap, external_memory: external } = await thread.getHeapStatistics();
	return heap + external;
}

async function take(moduleId: string, bytes: Uint8Array): Promise<void> {
	const started = performance.now();
	const report = await aggregate.accept(moduleId, bytes, { generation: 1 });
	if (!report.success) throw new Error(report.error?.message);
	const tookMs = performance.now() - started;
	probe.collected(tookMs);
	// As the host does, for its own families are a part of what a scrape waits for.
	const module = { server_id: moduleId };
	host.collectSuccess.set(module, 1);
	host.collectDuration.set(module, tookMs / 1000);
	host.collectLastSuccess.set(module, Date.now() / 1000);
	host.collectSeries.set(module, report.series);
}

/** As many series as the host has for its modules, with other memory each time. */
function sample(): ReturnType<HostMetricsOptions["sample"]> {
	const memoryBytes = { heap_used: performance.now(), heap_total: performance.now(), external: performance.now() };
	const usage = { memoryBytes, eventLoopUtilization: 0.5 };
	const work = { pending: 0, running: 0 };
	return { servers: [...seen].map((serverId) => ({ serverId, usage, work })), cpuRatio: 0.5, memoryRatio: 0.5 };
}

const app = express();
app.get("/metrics", async (request, response) => {
	probe.scraped(request, response);
	const { accept, "accept-encoding": acceptEncoding } = request.headers;
	const page = await aggregate.page({ accept, acceptEncoding: String(acceptEncoding ?? "") });
	response.writeHead(200, page?.headers);
	response.cork();
	for (const part of page?.body ?? []) response.write(part);
	response.end();
	response.uncork();
});
const server = app.listen(0, "127.0.0.1", () => probe.ready((server.address() as AddressInfo).port));
server.keepAliveTimeout = KEEP_CONNECTIONS;
