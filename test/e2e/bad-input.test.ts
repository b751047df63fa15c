import assert from "node:assert/strict";
import { test } from "node:test";
import { openSession, post } from "../support/mcp-post.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";

interface Answer {
	readonly status: number;
	readonly type: string;
	readonly allow: string | null;
	readonly text: string;
	readonly body: {
		readonly error?: { readonly code: number; readonly message: string };
		readonly detail?: string;
		readonly status?: number;
	};
}

async function send(
	server: TestServer,
	method: string,
	path: string,
	body?: string,
	headers: Record<string, string> = {},
): Promise<Answer> {
	const response = await fetch(`${server.url}${path}`, {
		method,
		headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...headers },
		...(body !== undefined && { body }),
	});
	const text = await response.text();
	assert.doesNotMatch(text, /\n\s+at |node_modules|file:\/\//, "no stack, no path of the host");
	return {
		status: response.status,
		type: response.headers.get("content-type") ?? "",
		allow: response.headers.get("allow"),
		text,
		body: JSON.parse(text) as Answer["body"],
	};
}

const call = (name: string, args: unknown): string =>
	JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: args } });

test("bad input on /mcp is answered with a JSON-RPC error of the right kind", async (t) => {
	const server = await startTestServer(t, { examples: true });
	const { session } = await openSession(server.url);
	const cases: readonly [what: string, answer: Promise<Answer>, status: number, code: number, message: RegExp][] = [
		["unknown tool", send(server, "POST", "/mcp", call("nope", {})), 200, -32602, /nope not found/],
		["malformed JSON", send(server, "POST", "/mcp", "{"), 400, -32700, /not valid JSON/],
		["10 MB body", send(server, "POST", "/mcp", call("add", { a: "x".repeat(10_000_000) })), 413, -32600, /4 MiB/],
		[
			"unknown method",
			send(server, "POST", "/mcp", JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/fly", params: {} })),
			200,
			-32601,
			/not found/i,
		],
		[
			"unknown resource",
			send(
				server,
				"POST",
				"/mcp",
				JSON.stringify({ jsonrpc: "2.0", id: 1, method: "resources/read", params: { uri: "no://such" } }),
			),
			200,
			-32002,
			/no:\/\/such/,
		],
		[
			"unknown session",
			send(server, "POST", "/mcp", call("add", {}), { "mcp-session-id": "gone" }),
			404,
			-32001,
			/initialize/,
		],
		["GET without a session", send(server, "GET", "/mcp"), 405, -32000, /session/],
		["wrong method", send(server, "PUT", "/mcp", "{}"), 405, -32000, /PUT/],
		[
			"JSON alone, in a session",
			send(server, "POST", "/mcp", call("add", {}), { "mcp-session-id": session, accept: "application/json" }),
			406,
			-32000,
			/text\/event-stream/,
		],
		[
			"foreign Host",
			send(server, "POST", "/mcp", call("add", {}), { origin: "http://evil.example" }),
			403,
			-32000,
			/origin/i,
		],
	];
	for (const [what, pending, status, code, message] of cases) {
		const answer = await pending;
		assert.equal(answer.status, status, `${what}: ${answer.text}`);
		assert.equal(answer.body.error?.code, code, `${what}: ${answer.text}`);
		assert.match(answer.body.error?.message ?? "", message, what);
		assert.match(answer.type, /^application\/json/, what);
		assert.equal(answer.allow !== null, status === 405, what);
	}
});

test("a client that takes anything is answered in a session too", async (t) => {
	const server = await startTestServer(t, { examples: true });
	const { session } = await openSession(server.url);
	const headers = { "mcp-session-id": session, accept: "*/*" };
	assert.equal((await send(server, "POST", "/mcp", call("add", { a: 1, b: 2 }), headers)).status, 200);
	const pinged = await post(server.url, { jsonrpc: "2.0", id: 1, method: "ping" }, { headers });
	assert.equal(pinged.status, 200);
	await pinged.text();
});

test("wrong arguments are a tool error that the model can read", async (t) => {
	const server = await startTestServer(t, { examples: true });
	const { result } = await server.rpc("tools/call", { name: "add", arguments: { a: "one", b: 2 } });
	assert.equal(result?.["isError"], true);
	assert.match((result["content"] as { text: string }[])[0]?.text ?? "", /\ba\b.*number/);
});

test("bad input elsewhere is a problem document", async (t) => {
	const server = await startTestServer(t, { examples: true });
	const cases: readonly [what: string, answer: Promise<Answer>, status: number, detail: RegExp][] = [
		["unknown route", send(server, "GET", "/nowhere"), 404, /\/nowhere/],
		["wrong method", send(server, "POST", "/metrics", "{}"), 405, /GET/],
		["wrong method on /execute", send(server, "GET", "/execute"), 405, /POST/],
		["unknown module", send(server, "GET", "/api/modules/mcps/nope"), 404, /mcps\/nope/],
		["malformed JSON", send(server, "POST", "/execute", "{"), 400, /not valid JSON/],
		["no tool name", send(server, "POST", "/execute", "{}"), 400, /tool_name/],
		["no object", send(server, "POST", "/execute", "7"), 400, /tool_name/],
		["unknown tool", send(server, "POST", "/execute", '{"tool_name":"nope"}'), 404, /nope/],
		[
			"10 MB body",
			send(server, "POST", "/execute", JSON.stringify({ tool_name: "x".repeat(10_000_000) })),
			413,
			/4 MiB/,
		],
		["bad escape", send(server, "GET", "/api/modules/%E0%A4%A/x"), 400, /cannot be read/],
	];
	for (const [what, pending, status, detail] of cases) {
		const answer = await pending;
		assert.equal(answer.status, status, `${what}: ${answer.text}`);
		assert.match(answer.type, /application\/problem\+json/, what);
		assert.match(answer.body.detail ?? "", detail, what);
		assert.equal(answer.body.status, status);
	}
});

test("the routes that exist now say what they should", async (t) => {
	const server = await startTestServer(t, { examples: true });
	const get = async (path: string, accept = "application/json") =>
		(await fetch(`${server.url}${path}`, { headers: { accept } })).text();
	const index = JSON.parse(await get("/")) as {
		name: string;
		endpoints: Record<string, string>;
		modules: { total: number; serving: number };
	};
	assert.equal(index.name, "bulkhead");
	assert.equal(index.endpoints["mcp"], "/mcp");
	assert.deepEqual(index.modules, { total: 8, serving: 8, metrics: 5, mcps: 3 });
	assert.match(await get("/", "text/html"), /8 of 8 serving/);
	assert.equal(await get("/livez"), '{"status":"ok"}');
	assert.equal(await get("/readyz"), '{"status":"ok"}');
	assert.equal((JSON.parse(await get("/health")) as { status: string }).status, "ok");
	assert.equal((JSON.parse(await get("/api/modules")) as { modules: unknown[] }).modules.length, 8);
	assert.equal(await get("/api/v1/metrics/prometheus").then((page) => page.includes("custom_metric_1")), true);
});
