import assert from "node:assert/strict";
import { test } from "node:test";
import path from "node:path";
import { writeFile } from "node:fs/promises";
import { startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const FILES = {
	"metrics/loses.js": `
import { Gauge } from "prom-client";
new Gauge({ name: "kept", help: "k" }).set(1);
new Gauge({ name: "mcp_tool_calls_total", help: "the host's" }).set(1);
new Gauge({ name: "fails", help: "f", collect() { throw new TypeError("cannot", { cause: new Error("why") }); } });
export function process() {}
`,
	"metrics/crashes.js": `export function process() { setTimeout(() => { throw new Error("later"); }); }`,
	"metrics/script.py": "",
	"mcps/a.js": `export default (server) => { server.registerTool("same", {}, () => ({ content: [] })); };`,
	"mcps/b.js": `export default (server) => {
	server.registerTool("same", {}, () => ({ content: [] }));
	server.registerResource("t", "a:///x", {}, () => ({ contents: [] }));
};`,
};

test("every field of /api is in snake_case, and every time is ISO 8601 in UTC", async (t) => {
	const server = await startTestServer(t, { files: FILES, env: { COLLECT_INTERVAL_MS: "100" } });
	await writeFile(
		path.join(server.folder, "plugins.yaml"),
		"modules:\n  mcps/a: { memoryMb: 200, callTimeoutMs: 5000, maxLabelLength: 9, permissions: { childProcess: true } }\n",
	);
	await until(async () => {
		const { collection } = await server.module("metrics/loses");
		const { last_restart: lastRestart } = await server.module("metrics/crashes");
		return (collection?.drops.length ?? 0) > 1 && lastRestart !== null;
	}, "something is lost, and something has crashed");
	const paths = ["modules", "modules/metrics/loses", "modules/mcps/a", "tools", "resources", "prompts"];
	const times: string[] = [];
	for (const name of paths) {
		const body: unknown = await (await fetch(`${server.url}/api/${name}`)).json();
		walk(body, name, times);
	}
	for (const name of ["started_at", "at", "first_seen_at", "last_seen_at"]) assert.ok(times.includes(name), name);
	const { collection } = (await server.module("metrics/loses")) as unknown as { collection: Record<string, never> };
	assert.ok("first_seen_at" in (collection["drops"]?.[0] ?? {}), JSON.stringify(collection));
});

/** Names that are keys: what a tool's schema holds is the tool's. */
const SCHEMAS = new Set(["input_schema", "output_schema", "annotations"]);
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

function walk(value: unknown, where: string, times: string[]): void {
	if (typeof value !== "object" || value === null) return;
	for (const [name, field] of Object.entries(value)) {
		const here = `${where}.${name}`;
		if (!Array.isArray(value)) assert.match(name, /^[a-z0-9_]+$/, here);
		if (/^(?:at|.*_at)$/.test(name) && field !== null) {
			assert.match(String(field), ISO, here);
			times.push(name);
		}
		if (typeof field === "number") assert.ok(field < 1e12, `${here}: ${field} looks like a time`);
		if (!SCHEMAS.has(name)) walk(field, here, times);
	}
}
