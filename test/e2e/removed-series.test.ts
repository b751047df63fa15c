/** The host's series of a module go with its file, also where it was at work when it went. */
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { sampleOf, startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const HELD = `
	export default (server) => {
		server.registerTool("hold", {}, (context) => new Promise((_resolve, reject) => {
			context.mcpReq.signal.addEventListener("abort", () => reject(new Error("cancelled")));
		}));
	};`;
const NEVER_DONE = `
	import { Gauge } from "prom-client";
	new Gauge({ name: "never_done", help: "h" });
	export const options = { timeoutMs: 4000 };
	export const process = () => new Promise(() => {});`;

test("a tool whose module goes while it is called leaves no series, and the call is counted as of an unknown tool", async (t) => {
	const server = await startTestServer(t, { files: { "mcps/held.js": HELD }, env: { CALL_TIMEOUT_MS: "6000" } });
	const at = async (series: string) => sampleOf(await server.metrics(), series);
	const held = server.execute("hold");
	await until(async () => (await at('mcp_active_requests{tool_name="hold"}')) === 1, "it runs");
	await rm(path.join(server.folder, "mcps/held.js"));
	await until(async () => (await at('mcp_active_requests{tool_name="hold"}')) === undefined, "its series go");
	assert.notEqual((await held).status, 200);
	const page = await server.metrics();
	assert.doesNotMatch(page, /"hold"|"mcps\/held"/);
	assert.equal(sampleOf(page, 'mcp_tool_calls_total{status="error",tool_name="unknown"}'), 1);
});

test("a module that goes while it is collected leaves no series", async (t) => {
	const server = await startTestServer(t, { files: { "metrics/never_done.js": NEVER_DONE } });
	const own = async () => (await server.metrics()).split("\n").filter((line) => line.includes('"metrics/never_done"'));
	await until(
		async () => (await own()).includes('mcp_tasks_running{server_id="metrics/never_done"} 1'),
		"it is collected",
	);
	await rm(path.join(server.folder, "metrics/never_done.js"));
	const ended = /^mcp_task_duration_seconds_count\{.*task_type="collect"\} 1$/m;
	await until(async () => ended.test(await server.metrics()), "the collection has ended");
	assert.deepEqual(await own(), []);
});
