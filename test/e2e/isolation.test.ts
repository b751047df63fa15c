import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_PROCESS_ISOLATION } from "../support/separate-user.ts";
import { sampleOf, startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const DEADLY = `import type { McpServer } from "@modelcontextprotocol/server";
import { Counter } from "prom-client";
import * as z from "zod";
const calls = new Counter({ name: "deadly_calls_total", help: "Calls" });
export default function register(server: McpServer) {
	server.registerTool("die", { inputSchema: z.object({ how: z.string() }) }, async ({ how }) => {
		calls.inc();
		if (how === "abort") process.abort();
		if (how !== "not") process.kill(process.pid, how);
		await new Promise((resolve) => setTimeout(resolve, how === "not" ? 0 : 1000));
		return { content: [{ type: "text", text: String(process.pid) }] };
	});
}`;
const POLICY = "modules: { mcps/deadly: { isolation: process } }";

test("a module in a process answers like one in a thread, and survives what kills a process", {
	skip: NO_PROCESS_ISOLATION,
}, async (t) => {
	const server = await startTestServer(t, {
		examples: true,
		files: { "mcps/deadly.ts": DEADLY, "plugins.yaml": POLICY },
		env: { COLLECT_INTERVAL_MS: "100", SANDBOX: "off" }, // locked, it could not even try
	});
	const first = await server.execute("die", { how: "not" });
	assert.equal(first.status, 200, JSON.stringify(first.body));
	assert.notEqual(first.body.content?.[0]?.text, String(process.pid));
	assert.equal(sampleOf(await server.metrics(), 'mcp_server_isolation{server_id="mcps/deadly",level="process"}'), 1);
	await until(
		async () => (sampleOf(await server.metrics(), "deadly_calls_total") ?? 0) >= 1,
		"its metrics are collected",
	);

	let generation = 1;
	for (const how of ["SIGKILL", "SIGSEGV", "abort"]) {
		const died = await server.execute("die", { how });
		assert.ok(died.status >= 500, how);
		assert.match(died.body.detail ?? "", how === "abort" ? /SIGABRT/ : new RegExp(how));
		generation += 1;
		await until(async () => {
			const module = await server.module("mcps/deadly");
			return module.state === "running" && module.generation === generation;
		}, `it is running again after ${how}`);
		assert.equal((await server.execute("add", { a: 1, b: generation })).status, 200);
	}
	assert.equal((await server.module("mcps/deadly")).restarts["crash"], 3);
});

test("changing the isolation in the policy moves a module without a failed call", {
	skip: NO_PROCESS_ISOLATION,
}, async (t) => {
	const server = await startTestServer(t, { files: { "mcps/deadly.ts": DEADLY, "plugins.yaml": "modules: {}" } });
	const inThread = (await server.execute("die", { how: "not" })).body.content?.[0]?.text;
	assert.equal(inThread, String(process.pid));
	await server.save("plugins.yaml", POLICY);
	await until(async () => {
		const { status, body } = await server.execute("die", { how: "not" });
		assert.equal(status, 200, JSON.stringify(body));
		return body.content?.[0]?.text !== String(process.pid);
	}, "it answers from its process");
});
