import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleOf, startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const MEMORY = { MODULE_MEMORY_MB: "64", COLLECT_INTERVAL_MS: "100" };

/** Grows a little per turn of the event loop: most leaks do. */
const leak = (what: string): string => `import { Gauge } from "prom-client";
new Gauge({ name: "leaking", help: "h" }).set(1);
const kept = [];
export function process() { grow(); }
function grow() { ${what}; setTimeout(grow, 1); }
`;

const LEAKS: readonly [how: string, source: string][] = [
	[
		"a growing map",
		leak("const map = (kept[0] ??= new Map()); for (let i = 0; i < 20000; i++) map.set(map.size, { i })"),
	],
	["buffers outside of the heap", leak("kept.push(Buffer.alloc(2 << 20, 1))")],
	[
		"objects in a loop that never yields",
		"export function process() { const kept = []; for (;;) kept.push({ a: [1, 2, 3] }); }",
	],
];

for (const [how, source] of LEAKS) {
	test(`${how} ends as one restarted module`, async (t) => {
		const server = await startTestServer(t, { examples: true, files: { "metrics/leak.js": source }, env: MEMORY });
		await until(
			async () => ((await server.module("metrics/leak")).restarts["out_of_memory"] ?? 0) >= 1,
			"it is restarted",
		);
		const module = await server.module("metrics/leak");
		assert.match(module.last_restart?.problem.message ?? "", /MODULE_MEMORY_MB/);
		assert.equal((await server.execute("add", { a: 1, b: 1 })).body.content?.[0]?.text, "2");
		const page = await server.metrics();
		assert.ok((sampleOf(page, 'mcp_server_crashes_total{server_id="metrics/leak"}') ?? 0) >= 1);
		assert.equal(
			sampleOf(page, 'mcp_server_restarts_total{server_id="metrics/machine",reason="out_of_memory"}'),
			undefined,
		);
	});
}
