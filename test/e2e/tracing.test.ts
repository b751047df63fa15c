import assert from "node:assert/strict";
import { test } from "node:test";
import { type SentSpan, startOtlpEndpoint } from "../support/otlp-endpoint.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const TRACED = `
export default function register(server) {
	server.registerTool("context", {}, ({ mcpReq }) => ({ content: [{ type: "text", text: String(mcpReq._meta?.traceparent) }] }));
	server.registerTool("fails", {}, () => { throw new Error("no"); });
}
`;
const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const CLIENT = `00-${TRACE_ID}-00f067aa0ba902b7-01`;

test("one tool call is one trace: client, HTTP, MCP, worker, each the parent of the next; the module gets the last", async (t) => {
	const endpoint = await startOtlpEndpoint(t);
	const server = await startTraced(t, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint.url });
	const text = await call(server, "context", { traceparent: CLIENT });
	await call(server, "fails", { traceparent: CLIENT.replace("4bf9", "5bf9") });
	const ofTrace = (id: string) => endpoint.spans.filter(({ traceId }) => traceId === id);
	await until(
		() => ofTrace(TRACE_ID).length === 3 && ofTrace(TRACE_ID.replace("4bf9", "5bf9")).length === 3,
		"they arrive",
	);
	const spans = ofTrace(TRACE_ID);
	const [http, mcp, worker] = ["POST", "tools/call context", "worker mcps/traced"].map((name) => named(spans, name));
	assert.deepEqual(
		[http?.parentSpanId, mcp?.parentSpanId, worker?.parentSpanId],
		["00f067aa0ba902b7", http?.spanId, mcp?.spanId],
	);
	assert.ok(text.includes(`00-${TRACE_ID}-${worker?.spanId}-01`), text);
	assert.deepEqual(
		[mcp?.attributes["mcp.method.name"], mcp?.attributes["gen_ai.tool.name"], worker?.attributes["bulkhead.module"]],
		["tools/call", "context", "mcps/traced"],
	);
	const failed = named(ofTrace(TRACE_ID.replace("4bf9", "5bf9")), "tools/call fails");
	assert.equal(failed?.attributes["error.type"], "tool_error");
	assert.deepEqual([...new Set(endpoint.paths)], ["/v1/traces"]);
});

test("a client's own span in _meta is the parent of the MCP span, through that of HTTP where they are one trace", async (t) => {
	const endpoint = await startOtlpEndpoint(t);
	const server = await startTraced(t, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${endpoint.url}/own` });
	await call(server, "context", {}, { traceparent: CLIENT });
	await until(() => endpoint.spans.some(({ name }) => name === "tools/call context"), "it arrives");
	const mcp = named(endpoint.spans, "tools/call context");
	assert.deepEqual([mcp?.traceId, mcp?.parentSpanId], [TRACE_ID, "00f067aa0ba902b7"]);
	assert.deepEqual([...new Set(endpoint.paths)], ["/own"]);
});

test("what is not sampled is not sent, and a collector that is away costs no call", async (t) => {
	const endpoint = await startOtlpEndpoint(t);
	const server = await startTraced(t, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint.url, OTEL_TRACES_SAMPLER: "always_off" });
	assert.ok((await call(server, "context", {})).includes("-00"), "the module is told that it is not sampled");
	await server.close();
	assert.deepEqual(endpoint.spans, []);

	const away = await startTraced(t, { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" });
	for (let number = 0; number < 20; number++) assert.ok((await call(away, "context", {})).includes("00-"));
	const before = performance.now();
	await away.close();
	assert.ok(performance.now() - before < 10_000);
});

function startTraced(t: Parameters<typeof startTestServer>[0], env: Record<string, string>): Promise<TestServer> {
	return startTestServer(t, { files: { "mcps/traced.js": TRACED }, env: { OTEL_BSP_SCHEDULE_DELAY: "50", ...env } });
}

function named(spans: readonly SentSpan[], name: string): SentSpan | undefined {
	return spans.find((span) => span.name === name);
}

async function call(
	{ url }: TestServer,
	name: string,
	headers: Record<string, string>,
	meta: Record<string, string> = {},
): Promise<string> {
	const response = await fetch(`${url}/mcp`, {
		method: "POST",
		headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...headers },
		body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: {}, _meta: meta } }),
	});
	return response.text();
}
