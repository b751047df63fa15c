import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { conformanceModules } from "../fixtures/conformance/modules.ts";
import { messagesOf, openSession, postModernCall } from "../support/mcp-post.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";

const CONFORMANCE = await conformanceModules("content", "running", "input-required");
const STRUCTURED = `
	import { ProtocolError } from "@modelcontextprotocol/server";
	import * as z from "zod";
	export default (server) => {
		server.registerTool("structured", {
			inputSchema: z.object({ text: z.string() }),
			outputSchema: z.object({ text: z.string(), length: z.number() }),
		}, ({ text }) => ({
			content: [{ type: "text", text }],
			structuredContent: { text, length: text.length },
			_meta: { "example.com/order": 1, a: 2 },
		}));
		server.registerTool("refuses", {}, () => {
			throw new ProtocolError(-32021, "needs tasks", { requiredCapabilities: { extensions: { tasks: {} } } });
		});
		server.registerTool("fails", {}, () => { throw Object.assign(new Error("no"), { code: -32099, data: { why: ["so"] } }); });
	};`;

interface Call {
	readonly name: string;
	readonly arguments?: unknown;
	readonly id?: unknown;
	readonly meta?: Record<string, unknown>;
	/** Only for what the eras say differently. */
	readonly era?: "legacy" | "modern";
}
const CALLS: readonly Call[] = [
	{ name: "test_simple_text" },
	{ name: "test_simple_text", id: "a string", arguments: {} },
	{ name: "test_image_content", id: 0 },
	{ name: "test_multiple_content_types", id: -7 },
	{ name: "test_error_handling" },
	{ name: "test_x_mcp_header", arguments: { level: 3 } },
	{ name: "json_schema_2020_12_tool", arguments: { name: "x", contactMethod: "phone", phone: "1" } },
	{ name: "json_schema_2020_12_tool", arguments: { nothing: "of the schema" } },
	{ name: "structured", arguments: { text: 'Grüße, 世界 \u2028 \ud83d\ude80 \\ " \n' } },
	{ name: "structured", arguments: { text: 7 } },
	{ name: "fails" },
	{ name: "nobody-has-this" },
	{ name: "test_tool_with_progress" },
	{ name: "test_tool_with_progress", meta: { progressToken: "p" } },
	{ name: "test_input_required_result_elicitation" },
	{ name: "test_missing_capability" },
	{ name: "test_simple_text", arguments: "no object" },
	{ name: "refuses" },
	...["2099-01-01", "2025-11-25", "", 20260728, undefined].map((version) => ({
		name: "test_simple_text",
		era: "modern" as const,
		meta: { "io.modelcontextprotocol/protocolVersion": version },
	})),
];
const MODERN_META = {
	"io.modelcontextprotocol/protocolVersion": "2026-07-28",
	"io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
	"io.modelcontextprotocol/clientCapabilities": { elicitation: {} },
};

test("a call answered directly has the bytes of one answered through the SDK", async (t) => {
	const direct = await start(t, true);
	const general = await start(t, false);
	for (const era of ["legacy", "modern"] as const) {
		for (const call of CALLS) {
			if (call.era !== undefined && call.era !== era) continue;
			const [short, long] = await Promise.all([post(direct, era, call), post(general, era, call)]);
			assert.deepEqual(short, long, `${era} ${JSON.stringify(call)}`);
		}
	}

	// In a session the one is an answer as JSON, the other an event of a stream: the same message.
	const call: Call = { name: "structured", arguments: { text: "x" } };
	const short = await post(direct, "legacy", call, (await openSession(direct.url)).session);
	const long = await post(general, "legacy", call, (await openSession(general.url)).session);
	assert.equal(short.type, "application/json");
	assert.equal(long.type, "text/event-stream");
	assert.equal(short.body, dataOf(long.body).at(-1));

	// What streams in a session does so on a stream that the client can come back to.
	const progress: Call = { name: "test_tool_with_progress", meta: { progressToken: 5 } };
	const streamed = await post(direct, "legacy", progress, (await openSession(direct.url)).session);
	assert.equal(streamed.type, "text/event-stream");
	assert.match(streamed.body, /^id: \S+$/m);
	assert.equal(streamed.body.match(/notifications\/progress/g)?.length, 3);
	assert.match(dataOf(streamed.body).at(-1) ?? "", /"result"/);
});

test("no field of a call gets it past the comparison of its Mcp-Param headers", async (t) => {
	for (const directCalls of [true, false]) {
		const server = await start(t, directCalls);
		for (const more of [{}, { inputResponses: {} }, { requestState: "x" }, { _meta: { ...MODERN_META, extra: 1 } }]) {
			const response = await postModernCall(server.url, {
				name: "test_x_mcp_header",
				arguments: { region: "eu", level: 3 },
				...more,
			});
			const [answer] = await messagesOf(response);
			assert.deepEqual([response.status, answer?.error?.code, answer?.id], [400, -32020, 1], JSON.stringify(more));
			assert.match(answer?.error?.message ?? "", /Mcp-Param-\w+ header is absent/);
		}
	}
});

function start(t: TestContext, directCalls: boolean): Promise<TestServer> {
	return startTestServer(t, {
		files: { "mcps/structured.js": STRUCTURED, ...CONFORMANCE },
		env: { MODULE_START_TIMEOUT_MS: "60000" },
		server: { directCalls },
	});
}

interface Answer {
	readonly status: number;
	readonly type: string | null;
	readonly body: string;
}

async function post(server: TestServer, era: "legacy" | "modern", call: Call, session?: string): Promise<Answer> {
	const modern = era === "modern";
	const { name, id = 1, meta } = call;
	const _meta = { ...(modern && MODERN_META), ...meta };
	const params = { name, ...("arguments" in call && { arguments: call.arguments }), _meta };
	const response = await fetch(`${server.url}/mcp`, {
		method: "POST",
		headers: {
			"content-type": "application/json",
			accept: "application/json, text/event-stream",
			...(modern && { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": name }),
			...(session !== undefined && { "mcp-session-id": session }),
		},
		body: JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params }),
	});
	return { status: response.status, type: response.headers.get("content-type"), body: await response.text() };
}

function dataOf(stream: string): readonly string[] {
	return [...stream.matchAll(/^data: (.+)$/gm)].map((match) => match[1] ?? "");
}
