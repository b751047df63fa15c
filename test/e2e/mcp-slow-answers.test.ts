import assert from "node:assert/strict";
import { test } from "node:test";
import { openSession, post, postModern, postModernCall, toolCall } from "../support/mcp-post.ts";
import { startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

/** Every answer waits until the tool `go` was called. */
const WAITS = `import { ResourceTemplate } from "@modelcontextprotocol/server";
let go; const told = new Promise((resolve) => { go = resolve; });
const done = (value) => async () => { await told; return value; };
export default (server) => {
	server.registerTool("wait", {}, done({ content: [{ type: "text", text: "line\\nand line" }] }));
	server.registerTool("fail", {}, async () => { await told; throw new Error("no"); });
	server.registerTool("go", {}, async () => { go(); return { content: [] }; });
	server.registerPrompt("slow", {}, done({ messages: [] }));
	server.registerResource("r", "slow://r", {}, done({ contents: [{ uri: "slow://r", text: "r" }] }));
};`;

/** The response to a request that is not answered yet. */
async function headInTime(answer: Promise<Response>, what: string): Promise<Response> {
	const startedAt = performance.now();
	const response = await answer;
	const tookMs = performance.now() - startedAt;
	assert.ok(tookMs < 8000, `${what}: its head took ${tookMs} ms`);
	assert.equal(response.status, 200, what);
	assert.equal(response.headers.get("content-type"), "text/event-stream", what);
	return response;
}

async function lastEvent(response: Response): Promise<Record<string, unknown>> {
	const text = await response.text();
	const last = text.split("\n").findLast((line) => line.startsWith("data: ")) ?? "";
	return JSON.parse(last.slice(6)) as Record<string, unknown>;
}

const requests = (url: string, session?: string, version?: string) => {
	const options = {
		...(session !== undefined && { session }),
		...(version !== undefined && { headers: { "mcp-protocol-version": version } }),
	};
	let id = 0;
	const ask = (method: string, params: object): Promise<Response> =>
		post(url, { jsonrpc: "2.0", id: ++id, method, params }, options);
	return {
		tool: () => ask("tools/call", { name: "wait" }),
		"tool with progress": () => ask("tools/call", { name: "wait", _meta: { progressToken: 1 } }),
		prompt: () => ask("prompts/get", { name: "slow" }),
		resource: () => ask("resources/read", { uri: "slow://r" }),
	};
};

const eras: Readonly<Record<string, (url: string) => Promise<Record<string, () => Promise<Response>>>>> = {
	"2026-07-28": async (url) => ({
		tool: () => postModernCall(url, { name: "wait" }),
		"tool with progress": () => postModernCall(url, { name: "wait", _meta: { progressToken: 1 } }),
		prompt: () => postModern(url, "prompts/get", "slow", { name: "slow" }),
		resource: () => postModern(url, "resources/read", "slow://r", { uri: "slow://r" }),
		failing: () => postModernCall(url, { name: "fail" }),
	}),
	"2025 without a session": async (url) => requests(url),
	"a session of 2025-11-25": async (url) => requests(url, (await openSession(url)).session),
	"a session of 2025-03-26": async (url) => {
		const { session } = await openSession(url, { protocolVersion: "2025-03-26" });
		return requests(url, session, "2025-03-26");
	},
};

for (const [era, asks] of Object.entries(eras))
	test(`a slow answer has a head in time: ${era}`, async (t) => {
		const { url } = await startTestServer(t, { files: { "mcps/waits.js": WAITS } });
		const all = Object.entries(await asks(url));
		const heads = await Promise.all(all.map(([what, ask]) => headInTime(ask(), what)));
		await (await post(url, toolCall("go"))).text();
		const answers = await Promise.all(heads.map(lastEvent));
		for (const [index, answer] of answers.entries()) {
			const what = all[index]?.[0] ?? "";
			assert.ok("result" in answer, `${what}: ${JSON.stringify(answer)}`);
			if (what.startsWith("tool")) assert.match(JSON.stringify(answer), /line\\nand line/);
			if (what === "failing") assert.equal((answer["result"] as { isError: boolean }).isError, true);
		}
	});

test("a client that takes no event stream waits for its JSON, and a quick answer is JSON", async (t) => {
	const server = await startTestServer(t, { files: { "mcps/waits.js": WAITS } });
	const { url } = server;
	const json = { accept: "application/json" };
	const answers = [
		postModernCall(url, { name: "wait" }, { headers: json }),
		post(url, toolCall("wait"), { headers: json }),
	];
	await until(async () => (await server.metrics()).includes('mcp_active_requests{tool_name="wait"} 2'), "both wait");
	for (const call of [post(url, toolCall("go")), postModernCall(url, { name: "go" })])
		assert.equal((await call).headers.get("content-type"), "application/json");
	for (const answer of answers) {
		const response = await answer;
		assert.match(response.headers.get("content-type") ?? "", /^application\/json/);
		assert.ok("result" in ((await response.json()) as object));
	}
});

test("a client that goes away while it waits cancels its call", async (t) => {
	const server = await startTestServer(t, { files: { "mcps/waits.js": WAITS } });
	for (const call of [postModernCall, (url: string, _: unknown, more: object) => post(url, toolCall("wait"), more)]) {
		const gone = new AbortController();
		const response = await call(server.url, { name: "wait" }, { signal: gone.signal });
		assert.equal(response.headers.get("content-type"), "text/event-stream");
		gone.abort();
		await until(
			async () => (await server.metrics()).includes('mcp_active_requests{tool_name="wait"} 0'),
			"it is cancelled",
		);
	}
});
