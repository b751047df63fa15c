/** What MCP requests are counted as: every operation, and each kind of failure under its own word. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleOf, startTestServer, type TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const MODULE = `
	import * as z from "zod";
	export default function register(server) {
		const text = (text) => ({ content: [{ type: "text", text }] });
		server.registerTool("sized", { inputSchema: z.object({ a: z.number() }) }, ({ a }) => text(String(a)));
		server.registerTool("fails", {}, () => { throw new Error("no"); });
		server.registerTool("loops", {}, () => { for (;;); });
		server.registerTool("waits", {}, () => new Promise((done) => setTimeout(() => done(text("done")), 2000)));
	}
`;

test("what a schema refuses, what a tool throws, a hang and a full queue are told apart", async (t) => {
	const server = await startTestServer(t, {
		files: { "mcps/m.js": MODULE, "plugins.yaml": "modules: { mcps/m: { concurrency: 1, queue: 1 } }\n" },
		env: { HANG_TIMEOUT_MS: "500" },
	});
	await server.execute("sized", { a: "one" });
	await server.execute("sized", { a: 1 });
	await server.execute("fails");
	await Promise.all([server.execute("waits"), server.execute("waits"), server.execute("waits")]);
	await server.execute("loops");
	const page = await server.metrics();
	const errors = (tool: string, type: string): number | undefined =>
		sampleOf(page, `mcp_tool_errors_total{tool_name="${tool}",error_type="${type}"}`);
	assert.equal(errors("sized", "validation_error"), 1);
	assert.equal(errors("fails", "tool_error"), 1);
	assert.equal(errors("waits", "queue_full"), 1);
	assert.equal(errors("loops", "hang"), 1);
	for (const size of ["mcp_request_size_bytes", "mcp_response_size_bytes"])
		assert.equal(sampleOf(page, `${size}_count{tool_name="sized"}`), 2, `${size}: an error's result has a size too`);
	assert.ok((sampleOf(page, 'mcp_request_size_bytes_sum{tool_name="sized"}') ?? 0) > 0);
});

test("every request of MCP counts under its method, and what is none as other", async (t) => {
	const server = await startTestServer(t, { files: { "mcps/m.js": MODULE } });
	for (const method of ["tools/list", "resources/list", "ping"]) await server.rpc(method);
	for (let i = 0; i < 3; i++) await server.rpc(`scan/${i}`);
	await counted(server, 'mcp_requests_total{operation="tools/list",status="success"}', 1);
	await counted(server, 'mcp_requests_total{operation="resources/list",status="success"}', 1);
	await counted(server, 'mcp_requests_total{operation="ping",status="success"}', 1);
	await counted(server, 'mcp_requests_total{operation="other",status="error"}', 3);
	assert.ok(!(await server.metrics()).includes("scan/"), "a stranger's word is no label");
});

test("a scraped page is counted as ready or composed", async (t) => {
	const server = await startTestServer(t);
	await server.metrics();
	await counted(server, 'mcp_cache_requests_total{cache="page",result="miss"}', 1);
});

async function counted(server: TestServer, series: string, atLeast: number): Promise<void> {
	await until(async () => (sampleOf(await server.metrics(), series) ?? 0) >= atLeast, `${series} ${atLeast}`);
}
