import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { openSession, post, toolCall } from "../support/mcp-post.ts";
import { sampleOf, startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

/** One call that asks its client when another one says so, and one that tells what came of it. */
const ASKS_LATER = `
	const go = Promise.withResolvers();
	let outcome = "nothing";
	export default (server) => {
		const ask = (mcpReq) => mcpReq.send({ method: "elicitation/create", params: {
			message: "?", requestedSchema: { type: "object", properties: {} } } });
		const told = (asked) => asked.then(() => "an answer", (error) => error.message);
		server.registerTool("ask-later", {}, async ({ mcpReq }) => {
			outcome = "running";
			mcpReq.signal.addEventListener("abort", () => void (outcome = "cancelled"));
			await go.promise;
			outcome = await told(ask(mcpReq));
			return { content: [] };
		});
		server.registerTool("ask-now", {}, async ({ mcpReq }) => {
			outcome = "asking";
			outcome = await told(ask(mcpReq));
			return { content: [] };
		});
		server.registerTool("go", {}, () => { go.resolve(); return { content: [] }; });
		server.registerTool("outcome", {}, () => ({ content: [{ type: "text", text: outcome }] }));
	};`;
const capabilities = { elicitation: { form: {} } };
/** Of this revision, event streams do not begin with an event. */
const UNPRIMED = { capabilities, protocolVersion: "2025-06-18" };

async function startAsking(t: TestContext, directCalls = true) {
	const server = await startTestServer(t, { files: { "mcps/asks.js": ASKS_LATER }, server: { directCalls } });
	const outcome = async (): Promise<string> => (await server.execute("outcome")).body.content?.[0]?.text ?? "";
	const answered = async (): Promise<number> =>
		sampleOf(await server.metrics(), 'mcp_http_requests_total{method="POST",endpoint="/mcp",status_code="200"}') ?? 0;
	return {
		...server,
		outcome,
		/** Makes the call, and goes away when it runs; resolves when the host has seen that. */
		async callAndLeave(session?: string) {
			const before = await answered();
			const controller = new AbortController();
			const call = post(server.url, toolCall("ask-later"), {
				signal: controller.signal,
				...(session !== undefined && { session }),
			});
			const left = call.then((response) => response.text());
			await until(async () => (await outcome()) === "running", "the call runs");
			controller.abort();
			await assert.rejects(left);
			await until(async () => (await answered()) > before, "the host has seen that its client has gone");
		},
	};
}

test("outside of a session, a call that asks after its client has gone is refused at once", async (t) => {
	const { execute, outcome, callAndLeave } = await startAsking(t);
	await callAndLeave();
	await until(async () => (await outcome()) === "cancelled", "the module is told");
	await execute("go");
	await until(async () => /given up.*the client has disconnected/.test(await outcome()), "the question is refused");
});

test("a question that waits when its call is cancelled is answered with an error", async (t) => {
	const { url, outcome } = await startAsking(t);
	const { session } = await openSession(url, { capabilities });
	const response = await post(url, toolCall("ask-now", {}, 7), { session });
	await until(async () => (await outcome()) === "asking", "the question is asked");
	const cancelled = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 7, reason: "enough" } };
	await post(url, cancelled, { session });
	await until(async () => /given up.*enough/.test(await outcome()), "it is refused");
	await response.body?.cancel();
});

for (const directCalls of [true, false])
	test(`in a session, a client that has left no stream to come back to is not waited for, directCalls ${directCalls}`, async (t) => {
		const { url, execute, outcome, callAndLeave } = await startAsking(t, directCalls);
		await callAndLeave((await openSession(url, UNPRIMED)).session);
		assert.equal(await outcome(), "running");
		await execute("go");
		await until(async () => /no stream/.test(await outcome()), "the question is refused");
	});
