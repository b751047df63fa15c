import assert from "node:assert/strict";
import { test } from "node:test";
import { openSession, post, toolCall } from "../support/mcp-post.ts";
import { sendRaw } from "../support/raw-http.ts";
import { startTestServer } from "../support/test-server.ts";

const ADDS =
	'export default (server) => server.registerTool("add", {}, () => ({ content: [{ type: "text", text: "added" }] }));';
const FILES = { "mcps/adds.js": ADDS };
const INITIALIZE = {
	jsonrpc: "2.0",
	id: 0,
	method: "initialize",
	params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } },
};

test("what Accept says holds for initialize and for all that follows", async (t) => {
	const { url } = await startTestServer(t, { files: FILES });
	const cases: readonly [accept: string, session: boolean, status: number][] = [
		["application/*, text/event-stream", true, 200],
		["Application/JSON, Text/Event-Stream", true, 200],
		["application/json;q=0.9, text/event-stream;q=0.1", true, 200],
		["text/*, application/json", true, 200],
		["*/*", true, 200],
		["*/*;q=0.1, text/html", true, 200],
		["application/json", false, 200],
		["text/event-stream;q=0, application/json", false, 200],
		["text/event-stream;q=0, */*", false, 200],
		["text/event-stream", false, 406],
		["text/html", false, 406],
		["application/json;q=0, text/event-stream", false, 406],
	];
	for (const [accept, opens, status] of cases) {
		const headers = { accept };
		const opened = await openSession(url, { headers });
		assert.deepEqual([opened.status, opened.session !== ""], [status, opens], accept);
		for (const message of [toolCall("add"), { jsonrpc: "2.0", id: 2, method: "tools/list" }]) {
			const answer = await post(url, message, { headers, ...(opens && { session: opened.session }) });
			assert.equal(answer.status, status, accept);
			if (status === 200 && !opens) assert.match(answer.headers.get("content-type") ?? "", /^application\/json/);
			await answer.text();
		}
	}
});

test("several Accept lines are one, and none means anything; a byte order mark means nothing on either way", async (t) => {
	const { url } = await startTestServer(t, { files: FILES });
	const body = JSON.stringify(toolCall("add"));
	for (const accept of ["Accept: application/json\nAccept: text/event-stream\n", ""])
		for (const mark of ["", "\ufeff"])
			for (const type of ["application/json", "application/json; charset=UTF-8"]) {
				const text = mark + body;
				const head = `POST /mcp HTTP/1.1\nHost: localhost\n${accept}Content-Type: ${type}\nContent-Length: ${Buffer.byteLength(text)}\nConnection: close`;
				const answer = await sendRaw(url, head, text);
				assert.equal(answer.status, 200, head + answer.body);
				assert.match(answer.body, /added/);
			}
});

test("initialize with the id of a session that is gone opens a new one", async (t) => {
	const { url } = await startTestServer(t, { files: FILES });
	const opened = await openSession(url, { session: "gone" });
	assert.equal(opened.status, 200);
	assert.notEqual(opened.session, "gone");
	assert.equal((await post(url, toolCall("add"), { session: opened.session })).status, 200);
	assert.equal((await post(url, toolCall("add"), { session: "gone" })).status, 404);
	const again = await post(url, INITIALIZE, { session: opened.session });
	assert.equal(again.status, 400, "a session is initialized once");
});

test("a newer event stream of a session takes the place of the older one", async (t) => {
	const { url } = await startTestServer(t, { files: FILES });
	const { session } = await openSession(url);
	const open = (): Promise<Response> =>
		fetch(`${url}/mcp`, { headers: { accept: "text/event-stream", "mcp-session-id": session } });
	const first = await open();
	const second = await open();
	assert.deepEqual([first.status, second.status], [200, 200]);
	await first.text(); // ends
	const third = await open();
	assert.equal(third.status, 200);
	await second.text();
	await third.body?.cancel();
});

test("JSON-RPC batches are of 2025-03-26 alone", async (t) => {
	const { url } = await startTestServer(t, { files: FILES });
	const two = [toolCall("add", {}, 1), toolCall("add", {}, 2)];
	const notice = { jsonrpc: "2.0", method: "notifications/initialized" };
	for (const version of ["2025-03-26", "2025-06-18", "2025-11-25"]) {
		const { session } = await openSession(url, { protocolVersion: version });
		const has = version === "2025-03-26";
		const ways = [{ session }, { headers: { "mcp-protocol-version": version } }];
		for (const way of ways) {
			const answer = await post(url, two, way);
			assert.equal(answer.status, has ? 200 : 400, version);
			const text = await answer.text();
			if (has) assert.equal(text.match(/added/g)?.length, 2);
			else assert.equal((JSON.parse(text) as { error: { code: number } }).error.code, -32600);
			const noticed = await post(url, [notice], way);
			assert.equal(noticed.status, has ? 202 : 400, version);
			await noticed.text();
		}
	}
	const none = await post(url, two);
	assert.equal(none.status, 200);
	assert.equal(((await none.json()) as unknown[]).length, 2);
	for (const bad of [[], [toolCall("add"), 7], [toolCall("add"), {}], Array.from({ length: 101 }, () => notice)]) {
		const refused = await post(url, bad);
		assert.equal(refused.status, 400);
		assert.equal(((await refused.json()) as { error: { code: number } }).error.code, -32600);
	}
});

test("/mcp/ answers as /mcp does", async (t) => {
	const { url } = await startTestServer(t, { files: FILES });
	const answer = await fetch(`${url}/mcp/`, {
		method: "POST",
		redirect: "manual",
		headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
		body: JSON.stringify(toolCall("add")),
	});
	assert.equal(answer.status, 200);
	assert.match(await answer.text(), /added/);
});
