import assert from "node:assert/strict";
import { test } from "node:test";
import { openSession, post, postModernCall, toolCall } from "../../support/mcp-post.ts";
import { startTestServer } from "../../support/test-server.ts";

const ORIGIN = "https://app.example";
const EXPOSED = "Mcp-Session-Id, Mcp-Protocol-Version, WWW-Authenticate, Retry-After";

function corsOf({ headers }: Response): Record<string, string> {
	return Object.fromEntries([...headers].filter(([name]) => name.startsWith("access-control-")));
}

function assertShared(response: Response, what: string): void {
	assert.deepEqual(
		corsOf(response),
		{ "access-control-allow-origin": ORIGIN, "access-control-expose-headers": EXPOSED },
		what,
	);
	assert.match(response.headers.get("vary") ?? "", /\bOrigin\b/, what);
}

test("a preflight is answered for every header that is asked for", async (t) => {
	const { url } = await startTestServer(t, { env: { ALLOWED_ORIGINS: ORIGIN } });
	const names =
		"content-type,authorization,mcp-protocol-version, mcp-session-id,mcp-method,mcp-name,last-event-id,mcp-param-region";
	for (const path of ["/mcp", "/mcp/", "/execute", "/metrics", "/nowhere"]) {
		const response = await fetch(`${url}${path}`, {
			method: "OPTIONS",
			headers: {
				origin: ORIGIN,
				"access-control-request-method": "POST",
				"access-control-request-headers": names,
				"access-control-request-private-network": "true",
			},
		});
		assert.equal(response.status, 204);
		assert.equal(await response.text(), "");
		assert.deepEqual(corsOf(response), {
			"access-control-allow-origin": ORIGIN,
			"access-control-expose-headers": EXPOSED,
			"access-control-allow-methods": "POST, GET, DELETE",
			"access-control-allow-headers": names.replaceAll(/, ?/g, ", "),
			"access-control-allow-private-network": "true",
			"access-control-max-age": "7200",
		});
		assert.match(response.headers.get("vary") ?? "", /^Origin, Access-Control-Request-Headers\b/);
	}
});

test("what is asked for is echoed only where it is a list of header names within bounds", async (t) => {
	const { url } = await startTestServer(t, { env: { ALLOWED_ORIGINS: ORIGIN } });
	const ask = async (names: string, method = "POST"): Promise<Response> =>
		fetch(`${url}/mcp`, {
			method: "OPTIONS",
			headers: { origin: ORIGIN, "access-control-request-method": method, "access-control-request-headers": names },
		});
	for (const names of ["a b", "a,,b", "x:y", "é", "x".repeat(9000)])
		assert.equal((await ask(names)).headers.get("access-control-allow-headers"), null, names.slice(0, 20));
	assert.equal((await ask("a")).headers.get("access-control-allow-private-network"), null);
});

test("every answer of every route has what a page needs to read it, errors too", async (t) => {
	const { url } = await startTestServer(t, {
		examples: true,
		fixtures: ["mcps/everything.ts"],
		env: { ALLOWED_ORIGINS: ORIGIN },
	});
	const headers = { origin: ORIGIN };
	const { session } = await openSession(url, { headers });
	const add = toolCall("add", { a: 1, b: 2 });
	const get = (path: string, more = {}): Promise<Response> =>
		fetch(`${url}${path}`, { headers: { ...headers, ...more } });
	const cases: Readonly<Record<string, [answer: Promise<Response>, status: number]>> = {
		"fast path": [post(url, add, { headers }), 200],
		"2026-07-28": [postModernCall(url, { name: "add", arguments: { a: 1, b: 2 } }, { headers }), 200],
		"SDK's way": [post(url, { jsonrpc: "2.0", id: 1, method: "tools/list" }, { headers }), 200],
		"in a session": [post(url, add, { headers, session }), 200],
		notification: [post(url, { jsonrpc: "2.0", method: "notifications/initialized" }, { headers, session }), 202],
		"session stream": [get("/mcp", { accept: "text/event-stream", "mcp-session-id": session }), 200],
		"unknown session": [post(url, add, { headers, session: "gone" }), 404],
		"too large": [post(url, "x".repeat(9_000_000), { headers }), 413],
		"no JSON": [post(url, "{", { headers }), 400],
		"not acceptable": [post(url, add, { headers: { ...headers, accept: "text/html" } }), 406],
		"wrong method": [fetch(`${url}/mcp`, { method: "PUT", headers }), 405],
		metrics: [get("/metrics"), 200],
		"not modified": [get("/metrics", { "if-none-match": "*" }), 304],
		index: [get("/"), 200],
		problem: [get("/nowhere"), 404],
		"well-known": [get("/.well-known/oauth-protected-resource"), 404],
		probe: [get("/livez"), 200],
	};
	for (const [what, [answer, status]] of Object.entries(cases)) {
		const response = await answer;
		assert.equal(response.status, status, what);
		assertShared(response, what);
		await response.body?.cancel();
	}
	const metrics = await get("/metrics");
	assert.match(metrics.headers.get("vary") ?? "", /^Accept, Accept-Encoding, Origin$/);
});

test("pages of other origins get nothing, and requests that no page sent nothing of it", async (t) => {
	const env = {
		ALLOWED_ORIGINS: `${ORIGIN},bare.example,http://ported.example:8080,moz-extension://*`,
		ALLOWED_HOSTS: "*",
	};
	const { url } = await startTestServer(t, { env });
	const status = async (origin: string): Promise<number> => {
		const response = await fetch(`${url}/livez`, { headers: { origin } });
		assert.equal(Object.keys(corsOf(response)).length > 0, response.status === 200, origin);
		assert.match(response.headers.get("vary") ?? "", /\bOrigin\b/);
		await response.text();
		return response.status;
	};
	const refused = [
		"null",
		"http://app.example",
		"https://app.example:8443",
		"https://app.example.evil.example",
		"https://evil.example",
		"https://ported.example:8080",
		"http://ported.example",
		"https://x@app.example",
		"https://app.example/",
		"https://app.example, https://app.example",
		"chrome-extension://abc",
		url, // any Host passes, so that this proves nothing
		"garbage",
	];
	for (const origin of refused) assert.equal(await status(origin), 403, origin);
	const allowed = [
		ORIGIN,
		"HTTPS://APP.example",
		"https://app.example:443",
		"http://bare.example",
		"https://bare.example:9",
		"http://ported.example:8080",
		"moz-extension://11-22",
	];
	for (const origin of allowed) assert.equal(await status(origin), 200, origin);
	const none = await fetch(`${url}/livez`);
	assert.deepEqual(corsOf(none), {});
	const preflight = await fetch(`${url}/mcp`, {
		method: "OPTIONS",
		headers: { origin: "https://evil.example", "access-control-request-method": "POST" },
	});
	assert.equal(preflight.status, 403);
	assert.deepEqual(corsOf(preflight), {});
});

test("the host's own pages, and null where it is named, pass", async (t) => {
	const { url } = await startTestServer(t, { env: { ALLOWED_ORIGINS: "null", PUBLIC_URL: "https://mcp.example/x" } });
	for (const origin of [url, "null", "https://mcp.example"])
		assert.equal((await fetch(`${url}/livez`, { headers: { origin } })).status, 200, origin);
	assert.equal((await fetch(`${url}/livez`, { headers: { origin: "http://localhost" } })).status, 403);
});
