/** One metric whose collect() fails costs itself, and is shown by name. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleOf, startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const EVERY_100_MS = { COLLECT_INTERVAL_MS: "100" };

for (const client of ["prom-client", "@prometheus-io/client", "@platformatic/prom-client"]) {
	test(`${client}: nine of ten metrics are served and renewed while the tenth fails`, async (t) => {
		const server = await startTestServer(t, { files: { "metrics/ten.ts": tenGauges(client) }, env: EVERY_100_MS });
		await until(async () => (sampleOf(await server.metrics(), 'g0{site="x"}') ?? 0) > 3, "they are renewed");
		const text = await server.metrics();
		for (let index = 0; index < 9; index++) {
			assert.ok((sampleOf(text, `g${index}{site="x"}`) ?? 0) >= 3, `g${index}`);
		}
		assert.equal(sampleOf(text, 'broken{site="x"}'), undefined);
		assert.equal(sampleOf(text, 'mcp_collect_success{server_id="metrics/ten"}'), 0);
		const dropped = 'mcp_collect_dropped_total{server_id="metrics/ten",reason="collect_error"}';
		assert.ok((sampleOf(text, dropped) ?? 0) >= 3);
		const { state, collection } = await server.module("metrics/ten");
		assert.equal(state, "degraded");
		assert.equal(collection?.error?.code, "collect_error");
		const [failure] = collection?.error?.failures?.metrics ?? [];
		assert.equal(failure?.metric, "broken");
		assert.deepEqual(
			[failure?.problem.message, failure?.problem.file, failure?.problem.line],
			["TypeError: down", "metrics/ten.ts", 9],
		);
		assert.deepEqual(
			failure?.problem.causes?.map(({ message }) => message),
			["ECONNREFUSED"],
		);
		const line = server.logged.find((each) => each.includes("broken"));
		assert.match(
			line ?? "",
			/^metrics\/ten: a metric was not collected \(broken\): metrics\/ten\.ts:9:\d+ TypeError: down; caused by .*ECONNREFUSED$/,
		);
	});
}

test("one that never ends costs itself, and is not called again until it has", async (t) => {
	const server = await startTestServer(t, {
		files: {
			"metrics/hangs.ts": `
				import { Gauge } from "prom-client";
				let calls = 0;
				new Gauge({ name: "hangs", help: "x", collect: () => { calls++; return new Promise(() => {}); } });
				const fine = new Gauge({ name: "fine", help: "x" });
				const asked = new Gauge({ name: "asked", help: "x" });
				export function process() { fine.inc(); asked.set(calls); }`,
		},
		env: { ...EVERY_100_MS, COLLECT_TIMEOUT_MS: "500" },
	});
	await until(async () => (sampleOf(await server.metrics(), "fine") ?? 0) >= 3, "the other one is renewed");
	const text = await server.metrics();
	assert.equal(sampleOf(text, "asked"), 1);
	assert.equal(sampleOf(text, "hangs"), undefined);
	assert.deepEqual((await server.module("metrics/hangs")).restarts, {});
});

test("a counter whose collect() fails now and then does not fall over a save", async (t) => {
	const source = (more: string): string => `
		import { Counter } from "prom-client";
		let runs = 0;
		new Counter({ name: "now_and_then_total", help: "x", collect() { if (++runs % 2 === 0) throw new Error("no"); this.inc(1); } });
		export function process() {}
		${more}`;
	const server = await startTestServer(t, { files: { "metrics/flaky.ts": source("") }, env: EVERY_100_MS });
	const shown: number[] = [];
	const look = async (): Promise<number> => {
		const value = sampleOf(await server.metrics(), "now_and_then_total");
		if (value !== undefined) shown.push(value);
		return shown.at(-1) ?? 0;
	};
	await until(async () => (await look()) >= 3, "it counts");
	await server.save("metrics/flaky.ts", source("export const v = 2;"));
	await until(async () => (await server.module("metrics/flaky")).generation === 2, "it is another generation");
	const before = await look();
	await until(async () => (await look()) >= before + 2, "it counts on");
	assert.deepEqual(
		shown,
		shown.toSorted((one, other) => one - other),
	);
});

test("a registry of the module's own making that fails costs the collection, as process() does", async (t) => {
	const server = await startTestServer(t, {
		files: {
			"metrics/own.ts": `
				export const registry = { async getMetricsAsJSON() { throw new RangeError("all of it"); } };
				export function process() {}`,
		},
	});
	const { collection } = await server.module("metrics/own").then(async (view) => {
		if (view.collection !== null) return view;
		await until(async () => (await server.module("metrics/own")).collection !== null, "it is collected");
		return server.module("metrics/own");
	});
	assert.equal(collection?.success, false);
	assert.equal(collection?.error?.problem?.name, "RangeError");
	assert.equal(collection?.error?.problem?.file, "metrics/own.ts");
});

function tenGauges(client: string): string {
	return [
		`import { Gauge, register } from "${client}";`,
		`register.setDefaultLabels({ site: "x" });`,
		`const gauges = Array.from({ length: 9 }, (_, index) => new Gauge({ name: "g" + index, help: "x" }));`,
		`new Gauge({`,
		`	name: "broken",`,
		`	help: "x",`,
		`	async collect() {`,
		`		await null;`,
		`		throw new TypeError("down", { cause: new Error("ECONNREFUSED") });`,
		`	},`,
		`});`,
		`export function process() { for (const gauge of gauges) gauge.inc(); }`,
	].join("\n");
}
