import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { createMcpShortcut } from "../../../src/http/front/mcp-fast-path.ts";
import { sampleOf, startTestServer } from "../../support/test-server.ts";

const CALL = JSON.stringify({
	jsonrpc: "2.0",
	id: 1,
	method: "tools/call",
	params: { name: "add", arguments: { a: 5, b: 7 } },
});

interface Sent {
	readonly method?: string;
	readonly path?: string;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: string;
}

/** With node:http, since fetch does not let a test set `Host`. */
async function send(url: string, { method = "POST", path = "/mcp", headers = {}, body = CALL }: Sent) {
	const sent = httpRequest(new URL(path, url), {
		method,
		headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...headers },
	});
	if (method === "POST") sent.setHeader("content-length", Buffer.byteLength(body)).write(body);
	sent.end();
	const [response] = (await once(sent, "response")) as [IncomingMessage];
	let text = "";
	for await (const chunk of response) text += String(chunk);
	return { status: response.statusCode, type: response.headers["content-type"], text };
}

async function serveShortcut(t: TestContext): Promise<{ readonly url: string; readonly handled: unknown[] }> {
	const handled: unknown[] = [];
	const shortcut = createMcpShortcut({
		mcp: {
			async handle(_request, response, body) {
				handled.push(body);
				response.end("taken");
			},
			listsChanged: () => undefined,
			resourceUpdated: () => undefined,
			pushed: () => undefined,
			taskChanged: () => undefined,
			serving: () => undefined,
			close: () => Promise.resolve(),
		},
		observer: { observe: () => undefined },
		onError: (_thrown, _request, response) => void response.writeHead(400).end("failed"),
	});
	const server = createServer((request, response) => {
		if (!shortcut(request, response)) response.end("left to the app");
	}).listen(0, "127.0.0.1");
	t.after(() => server.close());
	await once(server, "listening");
	return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, handled };
}

test("the shortcut takes the plain POST on /mcp and nothing else", async (t) => {
	const { url, handled } = await serveShortcut(t);
	assert.equal((await send(url, {})).text, "taken");
	assert.deepEqual(handled, [JSON.parse(CALL)]);
	assert.equal((await send(url, { body: "{" })).text, "failed");
	const left: readonly Sent[] = [
		{ method: "GET" },
		{ path: "/execute" },
		{ path: "/mcp?a=1" },
		{ headers: { "content-type": "text/plain" } },
		{ headers: { "content-encoding": "gzip" } },
		{ body: `"${"x".repeat(1 << 20)}"` },
	];
	for (const each of left)
		assert.equal((await send(url, each)).text, "left to the app", JSON.stringify(each).slice(0, 100));
	assert.equal(handled.length, 1);
});

test("what the admission refuses is refused on every route, and calls are counted under theirs", async (t) => {
	const { url } = await startTestServer(t, { examples: true });
	assert.equal((await send(url, {})).status, 200);
	for (const path of ["/mcp", "/mcp/?a=1", "/metrics", "/"]) {
		const isMcp = path.startsWith("/mcp");
		const method = isMcp ? "POST" : "GET";
		const type = isMcp ? "application/json" : "application/problem+json; charset=utf-8";
		const said = (text: string): string => (isMcp ? JSON.parse(text).error.message : JSON.parse(text).detail);
		const rebound = await send(url, { method, path, headers: { host: "evil.example" } });
		assert.deepEqual([rebound.status, rebound.type], [403, type]);
		assert.match(said(rebound.text), /evil\.example.*ALLOWED_HOSTS/);
		const crossSite = await send(url, { method, path, headers: { origin: "https://evil.example" } });
		assert.equal(crossSite.status, 403);
		assert.match(said(crossSite.text), /https:\/\/evil\.example.*ALLOWED_ORIGINS/);
	}
	const { text } = await send(url, { method: "GET", path: "/metrics" });
	assert.equal(sampleOf(text, 'mcp_http_requests_total{method="POST",endpoint="/mcp",status_code="200"}'), 1);
	assert.equal(sampleOf(text, 'mcp_http_requests_total{method="POST",endpoint="unmatched",status_code="403"}'), 4);
});
