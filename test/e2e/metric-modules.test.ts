/** Metrics of real modules in real workers: what their client libraries are, and what becomes of them over time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleOf, startTestServer, type TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const EVERY_100_MS = { COLLECT_INTERVAL_MS: "100" };

test("modules of all three client libraries are on one page, with asynchronous collect() and exemplars", async (t) => {
	const server = await startTestServer(t, {
		files: {
			"metrics/prom.ts": clientModule("prom-client", "prom"),
			"metrics/io.ts": clientModule("@prometheus-io/client", "io"),
			"metrics/platformatic.ts": clientModule("@platformatic/prom-client", "platformatic"),
		},
	});
	const ids = ["prom", "io", "platformatic"];
	for (const id of ids) await collected(server, `metrics/${id}`);
	const text = await server.metrics();
	const response = await fetch(`${server.url}/metrics`, { headers: { accept: "application/openmetrics-text" } });
	const openmetrics = await response.text();
	for (const id of ids) {
		assert.equal(sampleOf(text, `${id}_depth`), 7, `${id}: set by an asynchronous collect()`);
		assert.equal(sampleOf(text, `${id}_seconds_bucket{le="1"}`), 1, id);
		assert.match(openmetrics, new RegExp(`^${id}_orders_total 2 # \\{trace_id="${id}"\\} 2`, "m"));
		assert.match(
			openmetrics,
			new RegExp(`^${id}_seconds_bucket\\{le="1(\\.0)?"\\} 1 # \\{trace_id="${id}"\\} 0\\.5`, "m"),
		);
		assert.deepEqual((await server.module(`metrics/${id}`)).collection?.drops, []);
	}
});

test("a list that throws and is endless costs the family that cannot be read", async (t) => {
	const server = await startTestServer(t, { files: { "metrics/lies.ts": LIES } });
	const { collection } = await collected(server, "metrics/lies");
	assert.equal(collection?.success, true, collection?.error?.message ?? "");
	assert.deepEqual(
		collection?.drops.map(({ reason, count }) => [reason, count]),
		[["invalid_payload", 1]],
	);
	const text = await server.metrics();
	assert.deepEqual([sampleOf(text, "before"), sampleOf(text, "after")], [1, 1]);
});

test("a counter goes on over a crash and over a reload of its module, and never falls", async (t) => {
	const server = await startTestServer(t, {
		files: { "metrics/counts.ts": countingModule("one") },
		env: EVERY_100_MS,
	});
	const shown: number[] = [];
	const look = async (): Promise<number> => {
		const counted = sampleOf(await server.metrics(), "counted_total");
		if (counted !== undefined) shown.push(counted);
		return counted ?? 0;
	};
	const goesOn = async (version: string): Promise<void> => {
		const before = await look();
		await until(async () => (await look()) > before && (await server.metrics()).includes(`v="${version}"`), version);
	};
	await until(async () => (await look()) >= 3, "it counts");
	// It ends in its fifth collection, so its counter starts at zero and must still go on.
	await until(async () => {
		await look();
		return ((await server.module("metrics/counts")).restarts["exit"] ?? 0) > 0;
	}, "it has ended and is started again");
	await until(async () => (await look()) > 5, "it counts on after the crash");
	await server.save("metrics/counts.ts", countingModule("two"));
	await goesOn("two");
	await goesOn("two");
	assert.deepEqual(
		shown,
		shown.toSorted((one, other) => one - other),
	);
});

test("samples of a module that is not collected any more leave the page after COLLECT_MAX_AGE_MS", async (t) => {
	const server = await startTestServer(t, {
		files: {
			"metrics/stops.ts": gaugeModule("stops", "if (runs > 2) throw new Error('no more');"),
			"metrics/lasts.ts": gaugeModule("lasts", ""),
		},
		env: { ...EVERY_100_MS, COLLECT_MAX_AGE_MS: "1500" },
	});
	await until(
		async () => (await server.module("metrics/stops")).collection?.error?.code === "collect_error",
		"its collections fail",
	);
	assert.notEqual(sampleOf(await server.metrics(), "stops"), undefined, "what it showed last is still there");
	await until(async () => sampleOf(await server.metrics(), "stops") === undefined, "its sample has left the page");
	assert.notEqual(sampleOf(await server.metrics(), "lasts"), undefined);
});

test("with PROMETHEUS_REGISTRY_ENABLED=false no module is collected, and there is no page", async (t) => {
	const server = await startTestServer(t, {
		files: {
			"metrics/quiet.ts": gaugeModule("quiet", "console.log('was collected');"),
			"metrics/scraped.ts": `${gaugeModule("scraped", "console.log('was collected');")}\nexport const options = { onScrape: true };`,
			"mcps/tools.ts": TOOLS,
		},
		env: { ...EVERY_100_MS, PROMETHEUS_REGISTRY_ENABLED: "false" },
	});
	assert.equal((await server.execute("hello")).status, 200);
	// A scrape would wait for the modules that are collected on scrape.
	assert.equal((await fetch(`${server.url}/metrics`)).status, 404);
	for (const id of ["metrics/quiet", "metrics/scraped", "mcps/tools"]) {
		assert.equal((await server.module(id)).collection, null, id);
	}
	assert.deepEqual(
		server.logged.filter((line) => line.includes("was collected")),
		[],
	);
});

async function collected(server: TestServer, id: string) {
	await until(async () => (await server.module(id)).collection !== null, `${id} is collected`);
	return server.module(id);
}

const clientModule = (library: string, name: string): string => `
	import { Counter, Gauge, Histogram, Registry, register } from "${library}";
	register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
	const labels = { trace_id: "${name}" };
	new Gauge({
		name: "${name}_depth",
		help: "Depth.",
		async collect() {
			await new Promise((resolve) => setImmediate(resolve));
			this.set(7);
		},
	});
	const orders = new Counter({ name: "${name}_orders_total", help: "Orders.", enableExemplars: true });
	const seconds = new Histogram({ name: "${name}_seconds", help: "Time.", buckets: [1], enableExemplars: true });
	let ran = false;
	export function process() {
		if (ran) return;
		ran = true;
		orders.inc({ value: 2, exemplarLabels: labels });
		seconds.observe({ value: 0.5, exemplarLabels: labels });
	}
`;

const LIES = `
	const family = (name) => ({ name, help: "", type: "gauge", values: [{ labels: {}, value: 1 }] });
	const list = [family("before"), undefined, family("after")];
	Object.defineProperty(list, 1, { get() { throw new Error("no"); } });
	Object.defineProperty(list, Symbol.iterator, { *value() { for (;;) yield family("endless"); } });
	export const registry = { getMetricsAsJSON: () => list };
	export function process() {}
`;

/** Counts its collections; the first version's first worker ends in the fifth. */
const countingModule = (version: string): string => `
	import { Counter, Gauge } from "prom-client";
	const counted = new Counter({ name: "counted_total", help: "Collections." });
	new Gauge({ name: "version", help: "Version.", labelNames: ["v"] }).set({ v: "${version}" }, 1);
	let runs = 0;
	export function process() {
		counted.inc();
		if (++runs === 5 && "${version}" === "one") setImmediate(() => globalThis.process.exit(3));
	}
`;

const gaugeModule = (name: string, before: string): string => `
	import { Gauge } from "prom-client";
	const gauge = new Gauge({ name: "${name}", help: "Runs." });
	let runs = 0;
	export function process() {
		runs++;
		${before}
		gauge.set(runs);
	}
`;

const TOOLS = `
	import { Gauge } from "prom-client";
	new Gauge({ name: "tools", help: "A gauge of an MCP module." }).set(1);
	export default (server) => {
		server.registerTool("hello", { description: "Says hello." }, () => ({ content: [{ type: "text", text: "hello" }] }));
	};
`;
