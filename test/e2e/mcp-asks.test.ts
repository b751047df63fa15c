import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import {
	Client as Client2,
	type ClientContext,
	StreamableHTTPClientTransport as Transport2,
} from "@modelcontextprotocol/client";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import type { Transport as SdkTransport1 } from "@modelcontextprotocol/sdk/shared/transport.js";
import { CreateMessageRequestSchema, ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { oldTransport } from "../support/both-clients.ts";
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
		server.registerTool("ask-afterwards", {}, ({ mcpReq }) => {
			go.promise.then(async () => void (outcome = await told(ask(mcpReq))));
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

test("a question that comes when its call has ended is refused at once", async (t) => {
	const { url, execute, outcome } = await startAsking(t);
	const { session } = await openSession(url, { capabilities });
	await (await post(url, toolCall("ask-afterwards"), { session })).text();
	await execute("go");
	await until(async () => /a running call, and none is running here/.test(await outcome()), "it is refused");
});

/** Asks for much and does not wait for it, again and again, and then once more as one should. */
const ASKS_IN_VAIN = `
	let outcome = "asking";
	export default (server) => {
		const ask = (mcpReq, message, options) => mcpReq.send({ method: "elicitation/create", params: {
			message, requestedSchema: { type: "object", properties: {} } } }, options);
		server.registerTool("ask-in-vain", {}, async ({ mcpReq }) => {
			for (let n = 0; n < 60; n++) {
				const controller = new AbortController();
				const asked = ask(mcpReq, "x".repeat(200_000), { signal: controller.signal }).catch(() => {});
				controller.abort();
				await asked;
			}
			outcome = await ask(mcpReq, "?").then(() => "an answer", (error) => error.message);
			return { content: [] };
		});
		server.registerTool("outcome", {}, () => ({ content: [{ type: "text", text: outcome }] }));
	};`;

test("questions that a module withdraws count against what its call may send", async (t) => {
	const { url, execute } = await startTestServer(t, { files: { "mcps/asks-in-vain.js": ASKS_IN_VAIN } });
	const { session } = await openSession(url, { capabilities });
	const answer = post(url, toolCall("ask-in-vain"), { session });
	const text = answer.then((response) => response.text());
	const outcome = async (): Promise<string> => (await execute("outcome")).body.content?.[0]?.text ?? "";
	await until(async () => /8388608 characters that a call may/.test(await outcome()), "the next one is refused");
	const { length } = await text;
	assert.ok(length > 7_000_000 && length < 9_000_000, `${length} characters have been sent`);
});

/** Asks in both of the ways that the SDK has, and tells what it has heard of the client's progress. */
const FOLLOWS = `
	const question = { message: "?", requestedSchema: { type: "object", properties: {} } };
	const prompt = { messages: [{ role: "user", content: { type: "text", text: "?" } }], maxTokens: 10 };
	export default function register(server) {
		const tell = (heard) => ({ content: [{ type: "text", text: JSON.stringify(heard) }] });
		server.registerTool("follow-question", {}, async ({ mcpReq }) => {
			const heard = [];
			const onprogress = (progress) => void heard.push(progress);
			await mcpReq.send({ method: "elicitation/create", params: question }, { onprogress });
			return tell(heard);
		});
		server.registerTool("follow-model", {}, async () => {
			const heard = [];
			const onprogress = (progress) => void heard.push(progress);
			await server.server.createMessage(prompt, { onprogress });
			return tell(heard);
		});
		server.registerTool("do-not-follow", {}, async ({ mcpReq }) => {
			await mcpReq.send({ method: "elicitation/create", params: question });
			return tell("asked");
		});
	}`;

test("clients of both SDKs tell a module how far they are with its question", async (t) => {
	const { url } = await startTestServer(t, { files: { "mcps/follows.js": FOLLOWS } });
	for (const connect of [connectOld, connectRecent]) {
		const tokens: unknown[] = [];
		const { call } = await connect(t, url, async (token, report) => {
			tokens.push(token);
			if (token === undefined) return;
			await report({ progressToken: token, progress: 1, total: 2, message: "reading" });
			await report({ progressToken: token, progress: 2, message: "x".repeat(5000) });
			await report({ progressToken: "another", progress: 3 });
			await report({ progressToken: token, progress: 4 });
		});
		const heard = [{ progress: 1, total: 2, message: "reading" }, { progress: 4 }];
		assert.deepEqual(await call("follow-question"), heard);
		assert.deepEqual(await call("follow-model"), heard);
		assert.equal(await call("do-not-follow"), "asked");
		assert.deepEqual(
			tokens.map((token) => typeof token),
			["number", "number", "undefined"],
		);
	}
});

test("a client that reports progress without end does not flood a module", async (t) => {
	const { url } = await startTestServer(t, {
		files: { "mcps/follows.js": FOLLOWS },
		env: { CALL_TIMEOUT_MS: "60000" },
	});
	const startedAt = performance.now();
	const { call } = await connectOld(t, url, async (progressToken, report) => {
		// A hundred at a time, so that the rate that is allowed does not reach their number on the slowest machine.
		for (let batch = 0; batch < 1000; batch += 100) {
			const reports = Array.from({ length: 100 }, (_, index) => report({ progressToken, progress: batch + index + 1 }));
			await Promise.all(reports);
		}
	});
	const heard = (await call("follow-question")) as readonly unknown[];
	const allowed = 100 + Math.ceil((20 * (performance.now() - startedAt)) / 1000);
	assert.ok(heard.length >= 100 && heard.length <= Math.min(allowed, 999), `${heard.length} of 1000 arrived`);
});

type Report = (params: object) => Promise<void>;
type WhileAsked = (progressToken: unknown, report: Report) => Promise<void>;
const ANSWER = { action: "accept", content: {} };
const SAMPLED = { model: "m", role: "assistant", content: { type: "text", text: "!" } };
const PROGRESS = "notifications/progress";
const ASKABLE = { capabilities: { elicitation: { form: {} }, sampling: {} } };

async function connectOld(t: TestContext, url: string, whileAsked: WhileAsked) {
	const client = new Client1({ name: "old", version: "1" }, ASKABLE);
	const answer =
		(result: object) =>
		async ({ params }: { params: object }, extra: Extra1) => {
			const report: Report = (progress) => extra.sendNotification({ method: PROGRESS, params: progress } as never);
			await whileAsked((params as Params)._meta?.progressToken, report);
			return result as never;
		};
	client.setRequestHandler(ElicitRequestSchema, answer(ANSWER));
	client.setRequestHandler(CreateMessageRequestSchema, answer(SAMPLED));
	await client.connect(oldTransport(url) as SdkTransport1);
	t.after(() => client.close());
	return { call: async (name: string) => textOf(await client.callTool({ name, arguments: {} })) };
}

async function connectRecent(t: TestContext, url: string, whileAsked: WhileAsked) {
	const client = new Client2({ name: "recent", version: "1" }, ASKABLE);
	const answer =
		(result: object) =>
		async ({ params }: { params: object }, { mcpReq }: ClientContext) => {
			const report: Report = (progress) => mcpReq.notify({ method: PROGRESS, params: progress } as never);
			await whileAsked((params as Params)._meta?.progressToken ?? mcpReq._meta?.progressToken, report);
			return result as never;
		};
	client.setRequestHandler("elicitation/create", answer(ANSWER));
	client.setRequestHandler("sampling/createMessage", answer(SAMPLED));
	await client.connect(new Transport2(new URL(`${url}/mcp`)));
	t.after(() => client.close());
	return { call: async (name: string) => textOf(await client.callTool({ name, arguments: {} })) };
}

interface Params {
	readonly _meta?: { readonly progressToken?: unknown };
}
interface Extra1 {
	sendNotification(notification: never): Promise<void>;
}

function textOf(result: unknown): unknown {
	const { content } = result as { content: { text: string }[] };
	return JSON.parse(content[0]?.text ?? "null");
}
