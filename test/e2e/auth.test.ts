/** Who may do what: every route and method of MCP with every kind of credentials, right and wrong. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { bearer, tokensFile, type TestToken } from "../support/auth-tokens.ts";
import { openSession, post, postModern, postModernCall, toolCall } from "../support/mcp-post.ts";
import { startIssuer } from "../support/oauth-issuer.ts";
import { sampleOf, startTestServer, testSetup, type TestServer } from "../support/test-server.ts";
import { startServer } from "../../src/composition/start-server.ts";
import { until } from "../support/until.ts";

const TOOLS = `
	export default (server) => {
		server.registerTool("who", {}, ({ http }) => ({ content: [{ type: "text", text: JSON.stringify(http?.authInfo ?? null) }] }));
		server.registerTool("other", {}, () => ({ content: [{ type: "text", text: "other" }] }));
		server.registerPrompt("greet", {}, () => ({ messages: [] }));
		server.registerResource("note", "note://a", {}, () => ({ contents: [{ uri: "note://a", text: "a" }] }));
	};`;
const SECRET = `
	export default (server) => {
		server.registerTool("secret", {}, () => ({ content: [] }));
		server.registerPrompt("secret-prompt", {}, () => ({ messages: [] }));
		server.registerResource("secret", "secret://a", {}, () => ({ contents: [] }));
	};`;
const GAUGE = `
	import { Gauge } from "prom-client";
	const g = new Gauge({ name: "NAME_value", help: "x" });
	export function process() { g.set(1); }`;
const FILES = {
	"mcps/tools.js": TOOLS,
	"mcps/secret.js": SECRET,
	"metrics/a.js": GAUGE.replace("NAME", "a"),
	"metrics/b.js": GAUGE.replace("NAME", "b"),
};

async function startGuarded(
	t: TestContext,
	tokens: readonly TestToken[],
	env: Readonly<Record<string, string>> = {},
	directCalls = true,
): Promise<TestServer> {
	const { folder } = await testSetup(t, { files: { "tokens.yaml": tokensFile(tokens) } });
	return startTestServer(t, {
		files: FILES,
		env: { AUTH_TOKENS_FILE: path.join(folder, "tokens.yaml"), ...env },
		server: { directCalls },
	});
}

const ALL = ["metrics", "mcp", "admin"] as const;
const OPEN_ROUTES = ["/", "/livez", "/readyz", "/health", "/openapi.json"];
/** What each route wants; `/mcp` by era and method. */
const ROUTES: readonly (readonly [scope: (typeof ALL)[number], method: string, path: string])[] = [
	["metrics", "GET", "/metrics"],
	["metrics", "HEAD", "/metrics"],
	["metrics", "GET", "/metrics/"],
	["metrics", "GET", "/METRICS"],
	["metrics", "GET", "/metrics?module=a"],
	["metrics", "GET", "/metrics/a"],
	["metrics", "GET", "/sd"],
	["metrics", "GET", "/api/v1/metrics/prometheus"],
	["mcp", "POST", "/mcp"],
	["mcp", "POST", "/MCP/"],
	["mcp", "GET", "/mcp"],
	["mcp", "DELETE", "/mcp"],
	["mcp", "PUT", "/mcp"],
	["mcp", "POST", "/execute"],
	["mcp", "GET", "/api/tools"],
	["mcp", "GET", "/api/resources"],
	["mcp", "GET", "/api/prompts"],
	["admin", "GET", "/api/modules"],
	["admin", "GET", "/api/modules/mcps/tools"],
	["admin", "GET", "/API/modules/mcps/tools/"],
	["admin", "POST", "/-/reload"],
	["admin", "GET", "/api/modules/mcps/tools/logs"],
	["admin", "POST", "/api/modules/mcps/none/restart"],
	["admin", "POST", "/api/modules/mcps/none/enable"],
	["admin", "POST", "/api/modules/mcps/none/disable"],
];

test("every route wants its scope, and answers each kind of wrong credentials as RFC 6750 says", async (t) => {
	const issuer = await startIssuer(t);
	const tokens = [
		...ALL.map((scope) => ({ name: scope, scopes: [scope] })),
		{ name: "old", scopes: ALL, expires: "2020-01-01" },
	];
	const { url } = await startGuarded(t, tokens, { OAUTH_ISSUER: issuer.issuer, OAUTH_AUDIENCE: "bulkhead" });
	const now = Math.floor(Date.now() / 1000);
	const jwt = async (...args: Parameters<typeof issuer.sign>): Promise<string> =>
		`Bearer ${await issuer.sign(...args)}`;
	const scope = ALL.join(" ");
	const wrong: Readonly<Record<string, string | undefined>> = {
		none: undefined,
		"a bad scheme": "Digest abc",
		malformed: "Bearer a b",
		unknown: "Bearer nobody-knows-it",
		"expired token": bearer("old").authorization,
		"expired JWT": await jwt({ scope, exp: now - 60 }),
		"not yet valid": await jwt({ scope, nbf: now + 60 }),
		"without expiry": await jwt({ scope, exp: undefined }),
		"wrong audience": await jwt({ scope, aud: "another" }),
		"wrong issuer": await jwt({ scope, iss: "https://evil.example" }),
		"wrong algorithm": await jwt({ scope }, { alg: "HS256", key: new Uint8Array(32) }),
		"no algorithm": `Bearer ${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from(JSON.stringify({ iss: issuer.issuer, aud: "bulkhead", sub: "x", exp: now + 60, scope })).toString("base64url")}.`,
		"unknown key": await jwt({ scope }, { kid: "made-up" }),
		"signed by somebody else": (await jwt({ scope })).slice(0, -8) + "AAAAAAAA",
	};
	for (const [needed, method, route] of ROUTES) {
		const ask = (authorization?: string): Promise<Response> =>
			fetch(url + route, {
				method,
				headers: {
					accept: "application/json, text/event-stream",
					...(method === "POST" && { "content-type": "application/json" }),
					...(authorization !== undefined && { authorization }),
				},
				...(method === "POST" && { body: "{}" }),
			});
		const isMcp = /^\/mcp/i.test(route);
		for (const [what, authorization] of Object.entries(wrong)) {
			const response = await ask(authorization);
			const label = `${method} ${route}, ${what}`;
			assert.equal(response.status, 401, label);
			const challenge = response.headers.get("www-authenticate") ?? "";
			assert.match(challenge, /^Bearer /, label);
			assert.match(challenge, new RegExp(`scope="${needed}"`), label);
			const metadata = `${url}/.well-known/oauth-protected-resource${isMcp ? "/mcp" : ""}`;
			assert.match(challenge, new RegExp(`resource_metadata="${RegExp.escape(metadata)}"`), label);
			assert.equal(challenge.includes('error="invalid_token"'), authorization !== undefined, label);
			if (method === "HEAD") continue;
			const body = (await response.json()) as { code?: string; jsonrpc?: string; error?: object };
			if (isMcp) assert.equal(body.jsonrpc, "2.0", label);
			else assert.equal(body.code, "UNAUTHENTICATED", label);
		}
		for (const other of ALL.filter((each) => each !== needed)) {
			for (const authorization of [bearer(other).authorization, await jwt({ scope: other })]) {
				const response = await ask(authorization);
				assert.equal(response.status, 403, `${method} ${route} with ${other}`);
				const challenge = response.headers.get("www-authenticate") ?? "";
				assert.match(challenge, /error="insufficient_scope"/);
				assert.match(challenge, new RegExp(`scope="${needed}"`));
				if (!isMcp && method !== "HEAD")
					assert.equal(((await response.json()) as { code: string }).code, "INSUFFICIENT_SCOPE");
			}
		}
		for (const authorization of [
			bearer(needed).authorization,
			await jwt({ scope: needed }),
			await jwt({ scp: [needed] }),
		]) {
			const { status } = await ask(authorization);
			assert.ok(status !== 401 && status !== 403, `${method} ${route} with ${needed}: ${status}`);
		}
	}
	for (const route of OPEN_ROUTES) {
		for (const authorization of [undefined, "Bearer wrong", bearer("metrics").authorization])
			assert.equal(
				(await fetch(url + route, { headers: authorization === undefined ? {} : { authorization } })).status,
				200,
			);
	}
	// Nothing that looks like a log-in where there is none (outline/outline#11572).
	for (const route of [
		"/register",
		"/mcp/.well-known/oauth-protected-resource",
		"/.well-known/oauth-authorization-server",
		"/api/modules%2fx",
	])
		assert.equal((await fetch(url + route)).status, 404, route);
	// What the router might read otherwise than the admission goes nowhere.
	for (const route of ["/api/modules#x", "//api/modules", "/api/./modules", "/api/modules;x", "/api/modules\\"])
		assert.ok([401, 404, 400].includes(await rawStatus(url, route)), route);

	const text = await (await fetch(`${url}/metrics`, { headers: bearer("metrics") })).text();
	for (const reason of [
		"missing",
		"malformed",
		"unknown",
		"expired",
		"not_yet_valid",
		"audience",
		"issuer",
		"algorithm",
		"signature",
	]) {
		assert.match(text, new RegExp(`mcp_auth_failures_total\\{[^}]*reason="${reason}"`), reason);
	}
	assert.ok((sampleOf(text, 'mcp_authz_denials_total{resource_type="admin",reason="insufficient_scope"}') ?? 0) > 0);
	assert.ok((sampleOf(text, 'mcp_auth_attempts_total{method="jwt",status="success"}') ?? 0) > 0);
	assert.equal(
		sampleOf(text, 'mcp_auth_token_expiry_timestamp_seconds{token_name="old"}'),
		Date.parse("2020-01-01") / 1000,
	);
});

async function rawStatus(url: string, target: string): Promise<number> {
	const { connect } = await import("node:net");
	const { hostname, port } = new URL(url);
	const socket = connect(Number(port), hostname);
	socket.end(`GET ${target} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: close\r\n\r\n`);
	let text = "";
	for await (const chunk of socket) text += String(chunk);
	return Number(text.split(" ")[1]);
}

test("protected-resource metadata is there with an issuer, and 404 without", async (t) => {
	const issuer = await startIssuer(t);
	const { url } = await startGuarded(t, [], { OAUTH_ISSUER: issuer.issuer, OAUTH_AUDIENCE: "bulkhead" });
	for (const suffix of ["", "/mcp"]) {
		const response = await fetch(`${url}/.well-known/oauth-protected-resource${suffix}`);
		assert.equal(response.status, 200);
		const metadata = (await response.json()) as Record<string, unknown>;
		assert.equal(metadata["resource"], url + suffix);
		assert.deepEqual(metadata["authorization_servers"], [issuer.issuer]);
		assert.deepEqual(metadata["bearer_methods_supported"], ["header"]);
	}
	const without = await startGuarded(t, []);
	for (const suffix of ["", "/mcp"])
		assert.equal((await fetch(`${without.url}/.well-known/oauth-protected-resource${suffix}`)).status, 404);
	const refused = await fetch(`${without.url}/mcp`, { method: "POST" });
	assert.equal(refused.headers.get("www-authenticate"), 'Bearer realm="bulkhead", scope="mcp"');
});

for (const directCalls of [true, false])
	test(`what one may not use one does not see, directCalls ${directCalls}`, async (t) => {
		const tokens = [
			{ name: "all", scopes: ALL },
			{ name: "some", scopes: ALL, tools: ["wh*"], modules: ["mcps/tools", "metrics/a"] },
		];
		const { url } = await startGuarded(t, tokens, {}, directCalls);
		const json = async (route: string, name: string): Promise<Record<string, never>> =>
			(await fetch(url + route, { headers: bearer(name) })).json() as Promise<Record<string, never>>;
		const names = (list: readonly { name?: string; uri?: string; id?: string }[]): unknown[] =>
			list.map((each) => each.name ?? each.id ?? each.uri);
		assert.deepEqual(names((await json("/api/tools", "some"))["tools"] ?? []), ["who"]);
		assert.deepEqual(names((await json("/api/prompts", "some"))["prompts"] ?? []), ["greet"]);
		assert.deepEqual(names((await json("/api/resources", "some"))["resources"] ?? []), ["note"]);
		assert.deepEqual(names((await json("/api/modules", "some"))["modules"] ?? []), ["mcps/tools", "metrics/a"]);
		assert.equal((await fetch(`${url}/api/modules/mcps/secret`, { headers: bearer("some") })).status, 404);
		for (const action of ["restart", "enable", "disable"])
			assert.equal(
				(await fetch(`${url}/api/modules/mcps/secret/${action}`, { method: "POST", headers: bearer("some") })).status,
				404,
			);
		assert.equal((await fetch(`${url}/api/modules/mcps/secret/logs`, { headers: bearer("some") })).status, 404);
		assert.equal((await fetch(`${url}/metrics/b`, { headers: bearer("some") })).status, 404);
		assert.equal((await fetch(`${url}/metrics?module=b`, { headers: bearer("some") })).status, 404);
		assert.equal((await fetch(`${url}/metrics/a`, { headers: bearer("some") })).status, 200);
		const page = await (await fetch(`${url}/metrics`, { headers: bearer("some") })).text();
		assert.ok(!page.includes("b_value") && !page.includes("mcp_auth"));
		assert.equal((await json("/api/tools", "all"))["tools"]?.["length"], 3);

		const { session } = await openSession(url, { headers: bearer("some") });
		const ways: ((method: string, params: Record<string, unknown>, name?: string) => Promise<Response>)[] = [
			(method, params) => post(url, { jsonrpc: "2.0", id: 1, method, params }, { headers: bearer("some") }),
			(method, params) => post(url, { jsonrpc: "2.0", id: 1, method, params }, { headers: bearer("some"), session }),
			(method, params, name) => postModern(url, method, name, params, { headers: bearer("some") }),
		];
		for (const ask of ways) {
			const list = async (method: string, key: string): Promise<unknown[]> => {
				const { result } = (await bodyOf(await ask(method, {}))) as { result: Record<string, never[]> };
				if (result["cacheScope"] !== undefined) assert.equal(result["cacheScope"], "private");
				return names(result[key] ?? []);
			};
			assert.deepEqual(await list("tools/list", "tools"), ["who"]);
			assert.deepEqual(await list("prompts/list", "prompts"), ["greet"]);
			assert.deepEqual(await list("resources/list", "resources"), ["note"]);
			// As of a name that nobody has, to the letter.
			for (const [method, key, hidden, missing] of [
				["tools/call", "name", "secret", "secreX"],
				["tools/call", "name", "other", "otheX"],
				["prompts/get", "name", "secret-prompt", "secret-prompX"],
				["resources/read", "uri", "secret://a", "secreX://a"],
			] as const) {
				const one = await ask(method, { [key]: hidden }, hidden);
				const two = await ask(method, { [key]: missing }, missing);
				assert.equal(one.status, two.status);
				assert.equal(
					JSON.stringify(await bodyOf(one)).replaceAll(hidden, "N"),
					JSON.stringify(await bodyOf(two)).replaceAll(missing, "N"),
				);
			}
			const seen = (await bodyOf(await ask("tools/call", { name: "who", arguments: {} }, "who"))) as {
				result: { content: [{ text: string }] };
			};
			assert.deepEqual(JSON.parse(seen.result.content[0].text), { token: "", clientId: "some", scopes: [...ALL] });
		}
		const executed = await fetch(`${url}/execute`, {
			method: "POST",
			headers: { ...bearer("some"), "content-type": "application/json" },
			body: JSON.stringify({ tool_name: "secret" }),
		});
		assert.equal(executed.status, 404);
		const text = await (await fetch(`${url}/metrics`, { headers: bearer("all") })).text();
		assert.ok((sampleOf(text, 'mcp_authz_denials_total{resource_type="tool",reason="hidden"}') ?? 0) >= 7);
	});

async function bodyOf(response: Response): Promise<unknown> {
	const text = await response.text();
	return JSON.parse(text.startsWith("{") ? text : (/^data: (\{.+)$/m.exec(text)?.[1] ?? "null")) as unknown;
}

test("without authentication lists may be shared by caches", async (t) => {
	const { url } = await startTestServer(t, { files: FILES });
	const { result } = (await bodyOf(await postModern(url, "tools/list", undefined, {}))) as {
		result: { cacheScope: string };
	};
	assert.equal(result.cacheScope, "public");
});

test("a session, its stream, and a cursor are of the principal that began them", async (t) => {
	const tokens = ["ann", "bob"].map((name) => ({ name, scopes: ["mcp"] }));
	const { url } = await startGuarded(t, tokens, { LIST_PAGE_SIZE: "1" });
	const { session } = await openSession(url, { headers: bearer("ann") });
	const unknown = "00000000-0000-4000-8000-000000000000";
	for (const method of ["GET", "DELETE", "POST"]) {
		const ask = (id: string, name: string): Promise<Response> =>
			fetch(`${url}/mcp`, {
				method,
				headers: {
					...bearer(name),
					accept: method === "GET" ? "text/event-stream" : "application/json, text/event-stream",
					"mcp-session-id": id,
					"last-event-id": "_GET_stream__1",
					...(method === "POST" && { "content-type": "application/json" }),
				},
				...(method === "POST" && { body: JSON.stringify(toolCall("who")) }),
			});
		const [others, made] = [await ask(session, "bob"), await ask(unknown, "bob")];
		assert.equal(others.status, 404);
		assert.deepEqual(await others.json(), await made.json());
	}
	assert.equal((await post(url, toolCall("who"), { session, headers: bearer("ann") })).status, 200);

	const list = async (
		name: string,
		cursor?: string,
	): Promise<{ result?: { nextCursor?: string }; error?: { code: number } }> =>
		(await bodyOf(
			await post(
				url,
				{ jsonrpc: "2.0", id: 1, method: "tools/list", params: { ...(cursor !== undefined && { cursor }) } },
				{ headers: bearer(name) },
			),
		)) as { result?: { nextCursor?: string } };
	const { result } = await list("ann");
	assert.ok(result?.nextCursor);
	assert.ok((await list("ann", result.nextCursor)).result);
	assert.equal((await list("bob", result.nextCursor)).error?.code, -32602);
});

test("tokens rotate while the host runs; a wrong file is refused with its lines and the last good one stays", async (t) => {
	const { folder } = await testSetup(t, {
		files: { "tokens.yaml": tokensFile([{ name: "ann", scopes: ["metrics"] }]) },
	});
	const file = path.join(folder, "tokens.yaml");
	const server = await startTestServer(t, { files: FILES, env: { AUTH_TOKENS_FILE: file } });
	const { writeFile } = await import("node:fs/promises");
	const status = async (name: string): Promise<number> =>
		(await fetch(`${server.url}/metrics`, { headers: bearer(name) })).status;
	assert.equal(await status("ann"), 200);
	await writeFile(file, "- name: ann\n  sha256: short\n  scopes: [everything]\n");
	await until(() => server.logged.some((line) => line.includes("AUTH_TOKENS_FILE is wrong")), "the file is refused");
	const told = server.logged.find((line) => line.includes("AUTH_TOKENS_FILE is wrong")) ?? "";
	assert.ok(told.includes(":2:") && told.includes(":3:"), told);
	assert.equal(await status("ann"), 200);
	await writeFile(file, tokensFile([{ name: "bob", scopes: ["metrics"] }]));
	await until(async () => (await status("bob")) === 200, "the new token is in force");
	assert.equal(await status("ann"), 401);
});

test("a wrong token file at the start ends it with every problem", async (t) => {
	const { options } = await testSetup(t, { files: { "tokens.yaml": "- name: ''\n  scopes: []\n  extra: 1\n" } });
	const config = { ...options.config, authTokensFile: path.join(options.config.metricsDir, "../tokens.yaml") };
	await assert.rejects(startServer({ ...options, config }), (error: Error & { code?: string }) => {
		assert.equal(error.code, "CONFIG_INVALID");
		for (const place of [":1:", ":2:", ":3:"]) assert.ok(error.message.includes(`tokens.yaml${place}`), error.message);
		return true;
	});
});

test("keys are fetched once, serve while their server is away, and new ones are found at once", async (t) => {
	const issuer = await startIssuer(t);
	const { url } = await startGuarded(t, [], { OAUTH_ISSUER: issuer.issuer, OAUTH_AUDIENCE: "other,bulkhead" });
	const status = async (token: Promise<string>): Promise<number> =>
		(await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${await token}` } })).status;
	issuer.setAway(true);
	const early = await fetch(`${url}/metrics`, {
		headers: { authorization: `Bearer ${await issuer.sign({ scope: "metrics" })}` },
	});
	assert.equal(early.status, 503);
	assert.ok(Number(early.headers.get("retry-after")) > 0);
	issuer.setAway(false);
	await until(async () => (await status(issuer.sign({ scope: "metrics" }))) === 200, "the keys are there");
	assert.equal(issuer.keyRequests(), 1);
	issuer.setAway(true);
	assert.equal(await status(issuer.sign({ scope: "metrics", sub: "bob" })), 200);
	issuer.setAway(false);
	await issuer.rotate();
	assert.equal(await status(issuer.sign({ scope: "metrics" })), 200);
	assert.equal(issuer.keyRequests(), 2);
	for (let made = 0; made < 20; made++) await status(issuer.sign({ scope: "metrics" }, { kid: `made-up-${made}` }));
	assert.ok(issuer.keyRequests() <= 7, `${issuer.keyRequests()} requests`);
});

test("the rate limit holds on both ways to a module, by principal, else by address; scrapers and probes go free", async (t) => {
	for (const directCalls of [true, false]) {
		const tokens = [
			{ name: "ann", scopes: ["mcp", "metrics"] },
			{ name: "bob", scopes: ["mcp"] },
			{ name: "prometheus", scopes: ["metrics"] },
		];
		const { url } = await startGuarded(t, tokens, { RATE_LIMIT_PER_MINUTE: "5" }, directCalls);
		const call = (name: string): Promise<Response> =>
			postModernCall(url, { name: "who", arguments: {} }, { headers: bearer(name) });
		for (let sent = 0; sent < 5; sent++) assert.equal((await call("ann")).status, 200);
		const refused = await call("ann");
		assert.equal(refused.status, 429);
		assert.ok(Number(refused.headers.get("retry-after")) >= 1 && Number(refused.headers.get("retry-after")) <= 60);
		const problem = await fetch(`${url}/metrics`, { headers: bearer("ann") });
		assert.equal(problem.status, 429);
		assert.equal(((await problem.json()) as { code: string }).code, "RATE_LIMITED");
		assert.equal((await call("bob")).status, 200);
		const statuses: number[] = [];
		for (let sent = 0; sent < 7; sent++)
			statuses.push((await fetch(`${url}/metrics`, { headers: bearer("wrong") })).status);
		assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429, 429]);
		for (let sent = 0; sent < 10; sent++) {
			assert.equal((await fetch(`${url}/metrics`, { headers: bearer("prometheus") })).status, 200);
			assert.equal((await fetch(`${url}/livez`)).status, 200);
		}
		const text = await (await fetch(`${url}/metrics`, { headers: bearer("prometheus") })).text();
		assert.equal(sampleOf(text, 'mcp_rate_limit_exceeded_total{scope="principal"}'), 2);
		assert.equal(sampleOf(text, 'mcp_rate_limit_exceeded_total{scope="address"}'), 2);
	}
});

test("who has no admin scope learns no module from what is open", async (t) => {
	const { url } = await startGuarded(t, [{ name: "ops", scopes: ["admin"] }]);
	for (const [headers, sees] of [
		[{}, false],
		[bearer("ops"), true],
	] as const) {
		const health = await (await fetch(`${url}/health`, { headers })).text();
		assert.equal(health.includes("failing"), sees);
		const page = await (await fetch(url, { headers: { ...headers, accept: "text/html" } })).text();
		assert.equal(page.includes("mcps/secret"), sees);
	}
});

test("the audit log says who did what, and neither arguments nor tokens", async (t) => {
	const { folder } = await testSetup(t);
	const file = path.join(folder, "audit.log");
	const server = await startGuarded(t, [{ name: "ann", scopes: ["mcp", "admin"] }], { AUDIT_LOG_FILE: file });
	const { session } = await openSession(server.url, { headers: bearer("ann") });
	const headers = { ...bearer("ann"), "x-request-id": "request-1" };
	await (await post(server.url, toolCall("who", { secret: "argument-1" }), { headers, session })).text();
	await (
		await post(
			server.url,
			{ jsonrpc: "2.0", id: 2, method: "resources/read", params: { uri: "note://a" } },
			{ headers },
		)
	).text();
	await (await fetch(`${server.url}/metrics`, { headers: bearer("wrong") })).text();
	await (await fetch(`${server.url}/-/reload`, { method: "POST", headers: bearer("ann") })).text();
	const lines = async (): Promise<readonly Record<string, unknown>[]> =>
		(await readFile(file, "utf8"))
			.split("\n")
			.filter(Boolean)
			.map((line) => JSON.parse(line) as Record<string, unknown>);
	await until(async () => (await lines()).length === 4, "four lines");
	const [call, read, refusal, action] = await lines();
	assert.partialDeepStrictEqual(call, {
		event: "tool_call",
		principal: "ann",
		address: "127.0.0.1",
		module: "mcps/tools",
		name: "who",
		outcome: "success",
		request_id: "request-1",
	});
	assert.equal(typeof call?.["version"], "string");
	assert.ok(typeof call?.["session"] === "string" && call["session"] !== session);
	assert.partialDeepStrictEqual(read, {
		event: "resource_read",
		name: "note://a",
		module: "mcps/tools",
		outcome: "success",
	});
	assert.partialDeepStrictEqual(refusal, {
		event: "refusal",
		principal: null,
		name: "GET /metrics",
		outcome: "UNAUTHENTICATED",
		status: 401,
	});
	assert.partialDeepStrictEqual(action, {
		event: "admin_action",
		principal: "ann",
		name: "POST /-/reload",
		outcome: "success",
	});
	const text = await readFile(file, "utf8");
	for (const secret of ["argument-1", "token-of", session]) assert.ok(!text.includes(secret), secret);
});
