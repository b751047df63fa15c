/** Counters that mirror another system's: the value on the page is the source's, whatever happens to the module. */
import assert from "node:assert/strict";
import { appendFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { startServer } from "../../src/composition/start-server.ts";
import { sampleOf, startTestServer, type TestServer, testSetup } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const SOURCE = 1000;
const CLIENTS = ["prom-client", "@prometheus-io/client", "@platformatic/prom-client"];
const EVERY_100_MS = { COLLECT_INTERVAL_MS: "100" };

/** How exporters mirror a count: the body of a function that is given a client library and a name, and returns `process()`. */
const IDIOMS: Readonly<Record<string, string>> = {
	reset_in_process: `
		const c = new Counter({ name, help: "x" });
		return () => { c.reset(); c.inc(${SOURCE}); };`,
	reset_in_collect: `
		new Counter({ name, help: "x", collect() { this.reset(); this.inc(${SOURCE}); } });
		return () => {};`,
	reset_in_async_collect: `
		new Counter({ name, help: "x", async collect() { await null; this.reset(); this.inc(${SOURCE}); } });
		return () => {};`,
	labels: `
		const c = new Counter({ name, help: "x", labelNames: ["a", "b"] });
		return () => { c.reset(); c.inc({ a: "1", b: "1" }, ${SOURCE}); c.labels("2", "2").inc(${SOURCE}); };`,
	remove_and_inc: `
		const c = new Counter({ name, help: "x", labelNames: ["a", "b"] });
		return () => {
			c.remove("1", "1"); c.labels("1", "1").inc(${SOURCE});
			c.remove({ b: "2", a: "2" }); c.inc({ a: "2", b: "2" }, ${SOURCE});
		};`,
	made_anew: `
		return () => { register.removeSingleMetric(name); new Counter({ name, help: "x" }).inc(${SOURCE}); };`,
	cleared: `
		return () => { register.clear(); new Counter({ name, help: "x" }).inc(${SOURCE}); };`,
	reset_all: `
		const c = new Counter({ name, help: "x" });
		return () => { register.resetMetrics(); c.inc(${SOURCE}); };`,
	at_load_and_by_a_timer: `
		const c = new Counter({ name, help: "x" });
		const refresh = () => { c.reset(); c.inc(${SOURCE}); };
		refresh();
		setInterval(refresh, 60_000);
		return () => {};`,
	written_into_the_store: `
		const c = new Counter({ name, help: "x" });
		return () => { if (c.store === undefined) c.hashMap[""].value = ${SOURCE}; else c.store.set({}, ${SOURCE}); };`,
	store_replaced: `
		const c = new Counter({ name, help: "x" });
		return () => {
			if (c.store === undefined) c.hashMap = { "": { labels: {}, value: ${SOURCE} } };
			else { c.reset(); c.store.set({}, ${SOURCE}); }
		};`,
	own_class: `
		class Mirror extends Counter { set(value) { this.reset(); this.inc(value); } }
		const c = new Mirror({ name, help: "x" });
		return () => c.set(${SOURCE});`,
	own_registry: `
		registry ??= new Registry();
		const c = new Counter({ name, help: "x", registers: [registry] });
		return () => { c.reset(); c.inc(${SOURCE}); };`,
	option: `
		const c = new Counter({ name, help: "x" });
		let last = 0;
		return () => { c.inc(${SOURCE} - last); last = ${SOURCE}; };`,
	policy: `
		const c = new Counter({ name, help: "x" });
		let last = 0;
		return () => { c.inc(${SOURCE} - last); last = ${SOURCE}; };`,
};

/** A module that mirrors in all client libraries at once, in one idiom. */
function moduleOf(idiom: string): string {
	// A module can export one registry.
	const clients = idiom === "own_registry" ? CLIENTS.slice(0, 1) : CLIENTS;
	return `
		${clients.map((client, index) => `import * as client${index} from "${client}";`).join("\n")}
		export let registry;
		${idiom === "option" ? 'export const options = { counters: "absolute" };' : ""}
		function mirror({ Counter, register, Registry }, name) {${IDIOMS[idiom]}}
		const runs = [${clients.map((_, index) => `mirror(client${index}, "m_${idiom}_${index}_total")`).join(", ")}];
		export function process() { for (const run of runs) run(); }
	`;
}

const FILES = Object.keys(IDIOMS).map((idiom) => ({ idiom, file: `metrics/${idiom}.js`, source: moduleOf(idiom) }));
const POLICY = "modules:\n  metrics/policy: { counters: absolute }\n";

/** Every sample of the mirrors on a page that is not the source's. */
function wrongOn(text: string): readonly string[] {
	return text.split("\n").filter((line) => line.startsWith("m_") && !line.endsWith(` ${SOURCE}`));
}

const linesOn = (text: string): number => text.split("\n").filter((line) => line.startsWith("m_")).length;
/** Two idioms have two series, and one has one client. */
const LINES = (FILES.length + 2) * CLIENTS.length - 2;

test("a mirrored counter is the source's value at once and after each save, in every idiom of every client", async (t) => {
	const { folder, options } = await testSetup(t, {
		files: { ...Object.fromEntries(FILES.map(({ file, source }) => [file, source])), "plugins.yaml": POLICY },
		env: EVERY_100_MS,
	});
	const server = await startServer(options);
	t.after(() => server.close());
	const page = async (): Promise<string> => (await fetch(`${server.url}/metrics`)).text();
	const generations = async (): Promise<readonly number[]> => {
		const { modules } = (await (await fetch(`${server.url}/api/modules`)).json()) as {
			modules: { generation: number }[];
		};
		return modules.map(({ generation }) => generation);
	};
	await until(async () => linesOn(await page()) === LINES, "all of them are collected", 60_000);
	assert.deepEqual(wrongOn(await page()), []);
	for (const wanted of [2]) {
		for (const { file } of FILES) await appendFile(path.join(folder, file), `\nexport const v${wanted} = 0;`);
		await until(
			async () => {
				const text = await page();
				assert.deepEqual(wrongOn(text), []);
				return (await generations()).every((generation) => generation >= wanted);
			},
			`generation ${wanted} of each`,
			60_000,
		);
		await until(async () => {
			const text = await page();
			assert.deepEqual(wrongOn(text), []);
			return linesOn(text) === LINES && !text.includes("mcp_collect_success 0");
		}, `generation ${wanted} of each is collected`);
	}
});

test("a crash does not double a mirror, and the module's own counter goes on beside it", async (t) => {
	const server = await startTestServer(t, { files: { "metrics/mixed.js": mixedModule("") }, env: EVERY_100_MS });
	const shown: number[] = [];
	await until(
		async () => {
			const text = await server.metrics();
			const own = sampleOf(text, "own_total");
			if (own === undefined) return false;
			shown.push(own);
			assert.equal(sampleOf(text, "mirror_total"), SOURCE);
			assert.equal(sampleOf(text, "mirror_seconds_count"), 2);
			assert.equal(sampleOf(text, 'mirror_seconds_bucket{le="1"}'), 1);
			assert.equal(sampleOf(text, "mirror_summary_count"), 2);
			return own > 6;
		},
		"it has ended twice and counted on",
		30_000,
	);
	assert.ok(((await server.module("metrics/mixed")).restarts["exit"] ?? 0) >= 2);
	assert.deepEqual(
		shown,
		shown.toSorted((one, other) => one - other),
	);
});

test("a restart of the host with COUNTER_STATE leaves a mirror as it is, and one by a timer too", async (t) => {
	const mirrors = ["reset_in_process", "at_load_and_by_a_timer", "remove_and_inc"];
	const files = FILES.filter(({ idiom }) => mirrors.includes(idiom));
	const setup = await testSetup(t, {
		files: {
			...Object.fromEntries(files.map(({ file, source }) => [file, source])),
			"metrics/late.js": `
				import { Counter } from "prom-client";
				const c = new Counter({ name: "m_late_total", help: "x" });
				let runs = 0;
				export function process() { if (runs++ === 1) c.reset(); if (runs < 3) c.inc(${SOURCE}); }`,
			"metrics/own.js": `
				import { Counter } from "prom-client";
				const c = new Counter({ name: "own_total", help: "x" });
				export function process() { c.inc(0); }
				export function start() { c.inc(3); }`,
		},
		env: { ...EVERY_100_MS, COUNTER_STATE: "true" },
	});
	let seen = { at: "", count: 0 };
	async function collections(url: string): Promise<number> {
		const view = (await (await fetch(`${url}/api/modules/metrics/late`)).json()) as {
			collection: { at: string } | null;
		};
		const at = view.collection?.at ?? "";
		if (at !== seen.at) seen = { at, count: seen.count + 1 };
		return seen.count;
	}

	for (const runs of [1, 2, 3]) {
		const server = await startServer(setup.options);
		try {
			await until(async () => {
				const text = await (await fetch(`${server.url}/metrics`)).text();
				const late = sampleOf(text, "m_late_total") ?? 0;
				if (runs > 1) assert.deepEqual(wrongOn(text), []);
				return (
					late === SOURCE &&
					linesOn(text) === 13 &&
					sampleOf(text, "own_total") === 3 * runs &&
					(await collections(server.url)) >= 3
				);
			}, `run ${runs} shows them`);
		} finally {
			await server.close();
		}
	}
});

test("what the module says of its counters is checked", async (t) => {
	const server: TestServer = await startTestServer(t, {
		files: { "metrics/says.js": `export const options = { counters: "total" };\nexport function process() {}` },
	});
	const { load_error } = await server.module("metrics/says");
	assert.equal(load_error?.message, 'options.counters must be "absolute" or "cumulative", and is "total"');
});

function mixedModule(more: string): string {
	return `
		import { Counter, Histogram, Summary } from "prom-client";
		const mirror = new Counter({ name: "mirror_total", help: "x" });
		const seconds = new Histogram({ name: "mirror_seconds", help: "x", buckets: [1] });
		const summary = new Summary({ name: "mirror_summary", help: "x" });
		const own = new Counter({ name: "own_total", help: "x" });
		let runs = 0;
		export function process() {
			if (++runs === 4) globalThis.process.exit(1);
			mirror.reset(); mirror.inc(${SOURCE});
			seconds.reset(); seconds.observe(0.5); seconds.observe(2);
			summary.reset(); summary.observe(1); summary.observe(2);
			own.inc();
		}
		${more}`;
}
