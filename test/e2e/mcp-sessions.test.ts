import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { messagesOf, openSession, post, postModernCall, toolCall } from "../support/mcp-post.ts";
import { sampleOf, startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

test("sessions are capped politely, expire when idle, and are unknown after that", async (t) => {
	const { url, metrics } = await startTestServer(t, { env: { SESSION_MAX: "3", SESSION_IDLE_TIMEOUT_MS: "4000" } });
	const opened = await Promise.all([openSession(url), openSession(url), openSession(url)]);
	assert.deepEqual(
		opened.map(({ status }) => status),
		[200, 200, 200],
	);
	const ping = { jsonrpc: "2.0", id: 1, method: "ping" };
	for (const { session } of opened) for (let use = 0; use < 2; use++) await (await post(url, ping, { session })).text();
	const refused = await openSession(url);
	assert.equal(refused.status, 503);
	assert.equal(refused.retryAfter, "60");

	const [watching] = opened;
	const stream = await fetch(`${url}/mcp`, {
		headers: { accept: "text/event-stream", "mcp-session-id": watching?.session ?? "" },
	});
	assert.equal(stream.status, 200);
	await until(
		async () => sampleOf(await metrics(), "mcp_active_sessions") === 1,
		"the idle ones go, the one with a stream stays",
	);
	await stream.body?.cancel();
	await until(async () => sampleOf(await metrics(), "mcp_active_sessions") === 0, "all are gone");
	const late = await post(url, { jsonrpc: "2.0", id: 1, method: "ping" }, { session: watching?.session ?? "" });
	assert.equal(late.status, 404);
	assert.equal((await openSession(url)).status, 200);
});

test("a client that takes JSON alone has no session: it initializes and goes on without", async (t) => {
	const { url, metrics } = await startTestServer(t, { files: { "mcps/named.js": NAMED("it") } });
	const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "plain", version: "1" } };
	const json = { headers: { accept: "application/json", "mcp-protocol-version": "2025-11-25" } };
	const opened = await post(url, { jsonrpc: "2.0", id: 0, method: "initialize", params }, json);
	assert.equal(opened.status, 200);
	assert.match(opened.headers.get("content-type") ?? "", /^application\/json/);
	assert.equal(opened.headers.get("mcp-session-id"), null);
	const { result } = (await opened.json()) as { result: { protocolVersion: string; capabilities: object } };
	assert.equal(result.protocolVersion, "2025-11-25");
	assert.deepEqual(result.capabilities, { tools: {}, prompts: {}, resources: {}, completions: {}, logging: {} });
	assert.equal((await post(url, { jsonrpc: "2.0", method: "notifications/initialized" }, json)).status, 202);
	const [answer] = await messagesOf(await post(url, toolCall("it"), json));
	assert.equal(answer?.result?.content?.[0]?.text, "it");
	assert.equal(sampleOf(await metrics(), "mcp_active_sessions") ?? 0, 0);

	const { session } = await openSession(url);
	assert.equal((await post(url, toolCall("it"), { ...json, session })).status, 406, "where answers may be streams");
});

test("a client that lost its stream comes back with Last-Event-ID and misses nothing", async (t) => {
	const { url } = await startTestServer(t, { fixtures: ["mcps/waits-to-be-told.ts"] });
	const { session } = await openSession(url);
	const call = { ...toolCall("steps", {}, 9) } as { params: object };
	const controller = new AbortController();
	const response = await post(
		url,
		{ ...call, params: { ...call.params, _meta: { progressToken: "t" } } },
		{ session, signal: controller.signal },
	);
	let received = "";
	for await (const chunk of response.body ?? []) {
		received += Buffer.from(chunk).toString();
		if (received.includes('"progress":3')) break; // which closes the connection
	}
	controller.abort();
	const lastId = [...received.matchAll(/^id: (\S+)$/gm)].at(-1)?.[1] ?? "";
	assert.equal((await post(url, toolCall("come-back", {}, 10), { session })).status, 200);

	const resumed = await fetch(`${url}/mcp`, {
		headers: { accept: "text/event-stream", "mcp-session-id": session, "last-event-id": lastId },
	});
	assert.equal(resumed.status, 200);
	const rest = await messagesOf(resumed);
	assert.match(rest.at(-1)?.result?.content?.[0]?.text ?? "", /^six steps$/);
	assert.deepEqual(
		rest.flatMap(({ method, params }) => (method === "notifications/progress" ? [params?.["progress"]] : [])),
		[4, 5, 6],
	);

	const forged = await fetch(`${url}/mcp`, {
		headers: { accept: "text/event-stream", "mcp-session-id": session, "last-event-id": "no-such_1" },
	});
	assert.equal(forged.status, 400);
});

/** Works in steps, and has its client come back for each of the last two. */
const POLLED = `
	import { setTimeout as delay } from "node:timers/promises";
	export default (server) => server.registerTool("polled", {}, async ({ http, mcpReq }) => {
		const progressToken = mcpReq._meta?.progressToken ?? 0;
		const report = (progress) => mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress } });
		await report(1);
		http?.closeSSE?.();
		await report(2);
		await delay(50);
		http?.closeSSE?.();
		await report(3);
		return { content: [{ type: "text", text: typeof http?.closeSSE }] };
	});`;

test("a tool closes its own stream, and its client polls for the rest with Last-Event-ID", async (t) => {
	const { url } = await startTestServer(t, { files: { "mcps/polled.js": POLLED } });
	const { session } = await openSession(url);
	const call = toolCall("polled") as { params: object };
	const message = { ...call, params: { ...call.params, _meta: { progressToken: "t" } } };
	const headers = { "mcp-protocol-version": "2025-11-25" };

	let text = await (await post(url, message, { session, headers })).text();
	assert.doesNotMatch(text, /"result"/, "the stream ends before the answer");
	assert.match(text, /^retry: \d+$/m);
	let received = text;
	for (let polls = 0; !text.includes('"result"'); polls++) {
		assert.ok(polls < 10);
		const lastEventId = [...received.matchAll(/^id: (\S+)$/gm)].at(-1)?.[1] ?? "";
		const polled = await fetch(`${url}/mcp`, {
			headers: { ...headers, accept: "text/event-stream", "mcp-session-id": session, "last-event-id": lastEventId },
		});
		text = await polled.text();
		received += text;
	}
	assert.deepEqual(
		[...received.matchAll(/"progress":(\d)/g)].map(([, step]) => Number(step)),
		[1, 2, 3],
	);
	assert.match(received, /"text":"function"/);
});

test("where no client comes back for it, a tool has no stream to close", async (t) => {
	const { url } = await startTestServer(t, { files: { "mcps/polled.js": POLLED } });
	const answers = [
		post(url, toolCall("polled")),
		postModernCall(url, { name: "polled", _meta: { progressToken: "t" } }),
	];
	for (const answer of answers) {
		assert.equal((await messagesOf(await answer)).at(-1)?.result?.content?.[0]?.text, "undefined");
	}
});

const NAMED = (name: string): string => `
	export default (server) => {
		server.registerTool("${name}", {}, () => ({ content: [{ type: "text", text: "${name}" }] }));
	};`;

test("a client of the 2.x SDK has a 2025-era session: it calls, and is told once when a list changes", async (t) => {
	const { url, metrics, save } = await startTestServer(t, { files: { "mcps/named.js": NAMED("before") } });
	const client = new Client({ name: "recent", version: "1" }, { versionNegotiation: { mode: "legacy" } });
	t.after(() => client.close());
	let told = 0;
	client.setNotificationHandler("notifications/tools/list_changed", () => void (told += 1));
	const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`));
	await client.connect(transport);
	assert.equal(transport.protocolVersion, "2025-11-25");
	assert.ok(transport.sessionId);
	assert.equal(sampleOf(await metrics(), "mcp_active_sessions"), 1);

	const call = async (name: string) => (await client.callTool({ name })).content;
	assert.deepEqual(await call("before"), [{ type: "text", text: "before" }]);
	await save("mcps/named.js", NAMED("after"));
	await until(() => told > 0, "the client is told");
	assert.deepEqual(
		(await client.listTools()).tools.map(({ name }) => name),
		["after"],
	);
	assert.deepEqual(await call("after"), [{ type: "text", text: "after" }]);
	assert.equal(told, 1);
	await transport.terminateSession();
	assert.equal(sampleOf(await metrics(), "mcp_active_sessions"), 0);
});

test("thousands of abandoned sessions leave nothing behind", async (t) => {
	const { url, metrics } = await startTestServer(t, { env: { SESSION_MAX: "100000", SESSION_IDLE_TIMEOUT_MS: "500" } });
	let opened = 0;
	for (let round = 0; round < 20; round++) {
		const sessions = await Promise.all(Array.from({ length: 50 }, () => openSession(url)));
		opened += sessions.filter(({ status }) => status === 200).length;
	}
	assert.equal(opened, 1000);
	await until(async () => sampleOf(await metrics(), "mcp_active_sessions") === 0, "all have expired");
});

test("sessions that were opened and left give way to new ones, and used ones do not", async (t) => {
	const { url } = await startTestServer(t, { env: { SESSION_MAX: "5" } });
	const ping = { jsonrpc: "2.0", id: 1, method: "ping" };
	const used = await openSession(url);
	for (let use = 0; use < 2; use++) await (await post(url, ping, { session: used.session })).text();
	for (let opened = 0; opened < 20; opened++) assert.equal((await openSession(url)).status, 200);
	assert.equal((await post(url, ping, { session: used.session })).status, 200);
});

test("what a session keeps of its client is bounded", async (t) => {
	const { url } = await startTestServer(t);
	const large = await openSession(url, { capabilities: { experimental: { x: { y: "z".repeat(70_000) } } } });
	assert.equal(large.status, 413);
	const { session } = await openSession(url);
	const subscribe = async (uri: string): Promise<string> =>
		(await post(url, { jsonrpc: "2.0", id: 1, method: "resources/subscribe", params: { uri } }, { session })).text();
	assert.match(await subscribe(`x://${"y".repeat(9000)}`), /"error".*8192/);
	const answers: string[] = [];
	for (let index = 0; index < 40; index++) answers.push(await subscribe(`x://${index}/${"y".repeat(8000)}`));
	assert.doesNotMatch(answers[0] ?? "", /"error"/);
	assert.match(answers.at(-1) ?? "", /"error".*262144/);
});
