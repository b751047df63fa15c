import assert from "node:assert/strict";
import { test } from "node:test";
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from "@modelcontextprotocol/client";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as Transport1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport as SdkTransport1 } from "@modelcontextprotocol/sdk/shared/transport.js";
import { until } from "../support/until.ts";
import { sampleOf, startTestServer } from "../support/test-server.ts";

test("the examples answer as MCP says, without a session", async (t) => {
	const server = await startTestServer(t, { examples: true });

	const sum = await server.rpc("tools/call", { name: "add", arguments: { a: 5, b: 7 } });
	assert.equal(sum.status, 200);
	assert.deepEqual((sum.result?.["content"] as { text: string }[])[0]?.text, "12");

	const greeting = await server.rpc("resources/read", { uri: "greeting://Alice" });
	const [content] = greeting.result?.["contents"] as { uri: string; text: string }[];
	assert.equal(content?.uri, "greeting://Alice");
	assert.match(content?.text ?? "", /Alice/);

	const prompt = await server.rpc("prompts/get", {
		name: "weather_report",
		arguments: { city: "Shanghai", date: "today" },
	});
	const [message] = prompt.result?.["messages"] as { role: string; content: { text: string } }[];
	assert.match(message?.content.text ?? "", /Shanghai.*today|today.*Shanghai/s);

	const executed = await server.execute("add", { a: 5, b: 3 });
	assert.equal(executed.status, 200);
	assert.equal(executed.body.content?.[0]?.text, "8");
});

test("curl without an Accept header that MCP wants is answered all the same", async (t) => {
	const server = await startTestServer(t, { examples: true });
	for (const accept of ["*/*", "application/json"]) {
		const response = await fetch(`${server.url}/mcp`, {
			method: "POST",
			headers: { "content-type": "application/json", accept },
			body: JSON.stringify({ jsonrpc: "2.0", id: 7, method: "tools/list", params: {} }),
		});
		assert.equal(response.status, 200, accept);
		const answer = (await response.json()) as { id: number; result: { tools: { name: string }[] } };
		assert.equal(answer.id, 7);
		assert.deepEqual(answer.result.tools.map(({ name }) => name).toSorted(), ["add", "countdown", "hello_world"]);
	}
});

test("a 2.x client of the 2026-07-28 revision drives tools, resources and prompts", async (t) => {
	const server = await startTestServer(t, { examples: true });
	const client = new Client2({ name: "test", version: "1" }, { versionNegotiation: { mode: "auto" } });
	await client.connect(new Transport2(new URL(`${server.url}/mcp`)));
	t.after(() => client.close());
	assert.equal(client.getNegotiatedProtocolVersion(), "2026-07-28");

	const { tools } = await client.listTools();
	assert.deepEqual(tools.map(({ name }) => name).toSorted(), ["add", "countdown", "hello_world"]);
	const sum = await client.callTool({ name: "add", arguments: { a: 5, b: 7 } });
	assert.deepEqual(sum.content[0], { type: "text", text: "12" });
	const { resources } = await client.listResources();
	assert.ok(resources.some(({ uri }) => uri === "greeting://hello"));
	const { resourceTemplates } = await client.listResourceTemplates();
	assert.ok(resourceTemplates.some(({ uriTemplate }) => uriTemplate === "greeting://{name}"));
	assert.equal((await client.readResource({ uri: "greeting://Alice" })).contents.length, 1);
	assert.equal(
		(await client.getPrompt({ name: "weather_report", arguments: { city: "Shanghai", date: "today" } })).messages
			.length,
		1,
	);

	const progress: number[] = [];
	const counted = await client.callTool(
		{ name: "countdown", arguments: { steps: 3, stepMs: 1 } },
		{ onprogress: (update) => void progress.push(update.progress) },
	);
	assert.equal(counted.isError, undefined);
	assert.deepEqual(progress, [1, 2, 3]);
});

test("a 1.x client keeps a session and drives the same", async (t) => {
	const server = await startTestServer(t, { examples: true });
	const client = new Client1({ name: "test", version: "1" });
	const transport = new Transport1(new URL(`${server.url}/mcp`));
	await client.connect(transport as SdkTransport1);
	t.after(() => client.close());
	assert.notEqual(transport.sessionId, undefined);
	assert.equal(sampleOf(await server.metrics(), "mcp_active_sessions"), 1);

	const { tools } = await client.listTools();
	assert.deepEqual(tools.map(({ name }) => name).toSorted(), ["add", "countdown", "hello_world"]);
	const sum = await client.callTool({ name: "add", arguments: { a: 5, b: 7 } });
	assert.deepEqual(sum.content, [{ type: "text", text: "12" }]);
	assert.equal((await client.readResource({ uri: "greeting://Alice" })).contents.length, 1);
	assert.equal(
		(await client.getPrompt({ name: "weather_report", arguments: { city: "Shanghai", date: "today" } })).messages
			.length,
		1,
	);

	const progress: number[] = [];
	await client.callTool({ name: "countdown", arguments: { steps: 3, stepMs: 1 } }, undefined, {
		onprogress: (update) => void progress.push(update.progress),
	});
	assert.deepEqual(progress, [1, 2, 3]);

	await transport.terminateSession();
	assert.equal(sampleOf(await server.metrics(), "mcp_active_sessions"), 0);
});

test("cancelling a call stops the tool, and its module counts it", async (t) => {
	const server = await startTestServer(t, { examples: true, env: { COLLECT_INTERVAL_MS: "50" } });
	const cancelled = 'countdowns_total{outcome="cancelled"}';
	const client = new Client1({ name: "test", version: "1" });
	await client.connect(new Transport1(new URL(`${server.url}/mcp`)) as SdkTransport1);
	t.after(() => client.close());

	const controller = new AbortController();
	const call = client.callTool({ name: "countdown", arguments: { steps: 1000, stepMs: 50 } }, undefined, {
		signal: controller.signal,
		onprogress: () => controller.abort("seen enough"),
	});
	await assert.rejects(call);
	await until(async () => sampleOf(await server.metrics(), cancelled) === 1, "the module sees the cancellation");

	const disconnecting = new AbortController();
	const request = server.execute("countdown", { steps: 1000, stepMs: 50 }, disconnecting.signal);
	await until(
		async () => sampleOf(await server.metrics(), 'mcp_active_requests{tool_name="countdown"}') === 1,
		"the call runs",
	);
	disconnecting.abort();
	await assert.rejects(request);
	await until(async () => sampleOf(await server.metrics(), cancelled) === 2, "a disconnect is a cancellation");
});

test("the host's own metrics count what happened", async (t) => {
	const server = await startTestServer(t, { examples: true });
	await server.rpc("tools/call", { name: "add", arguments: { a: 1, b: 2 } });
	await server.rpc("tools/call", { name: "add", arguments: { a: "one" } });
	await server.rpc("tools/call", { name: "nobody-has-this", arguments: {} });
	await server.rpc("resources/read", { uri: "greeting://Bob" });
	const page = await server.metrics();

	assert.equal(sampleOf(page, 'mcp_tool_calls_total{tool_name="add",status="success"}'), 1);
	assert.equal(sampleOf(page, 'mcp_tool_errors_total{tool_name="add",error_type="validation_error"}'), 1);
	assert.equal(sampleOf(page, 'mcp_tool_errors_total{tool_name="unknown",error_type="not_found"}'), 1);
	assert.equal(sampleOf(page, 'mcp_active_requests{tool_name="add"}'), 0);
	assert.equal(sampleOf(page, 'mcp_tool_duration_seconds_count{tool_name="add"}'), 2);
	assert.equal(sampleOf(page, 'mcp_resource_reads_total{status="success"}'), 1);
	assert.equal(sampleOf(page, 'mcp_servers{state="running"}'), 8);
	assert.equal(sampleOf(page, 'mcp_server_up{server_id="mcps/custom-mcp-1"}'), 1);
	assert.equal(sampleOf(page, 'mcp_server_starts_total{server_id="metrics/legacy",status="success"}'), 1);
	assert.equal(sampleOf(page, 'mcp_collect_success{server_id="metrics/machine"}'), 1);
	assert.ok((sampleOf(page, 'mcp_collect_duration_seconds{server_id="metrics/machine"}') ?? 0) > 0);
	assert.equal(sampleOf(page, 'mcp_tools_by_server{server_id="mcps/custom-mcp-1"}'), 1);
});
