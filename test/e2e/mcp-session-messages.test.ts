import assert from "node:assert/strict";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { type TestContext, test } from "node:test";
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from "@modelcontextprotocol/client";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import type { Transport as SdkTransport1 } from "@modelcontextprotocol/sdk/shared/transport.js";
import { LoggingMessageNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { oldTransport } from "../support/both-clients.ts";
import { type Listening, listen } from "../support/event-stream.ts";
import { type Message, messagesOf, openSession, post, postModernCall, toolCall } from "../support/mcp-post.ts";
import { sampleOf, startTestServer, type TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

/** Severities of `everything`'s simulated messages, in the order in which they come round. */
const SEVERE = ["error", "critical", "alert", "emergency"];

test("toggle-simulated-logging: clients of both SDKs hear their own session's log at their own level", async (t) => {
	const server = await startTestServer(t, {
		fixtures: ["mcps/everything.ts"],
		env: { MODULE_START_TIMEOUT_MS: "60000" },
	});
	const old = await listeningOld(t, server.url);
	const recent = await listeningRecent(t, server.url);
	const silent = await listeningOld(t, server.url);
	await recent.client.setLoggingLevel("error");

	const sessions: string[] = [];
	for (const { call } of [old, recent]) {
		const started = await call("toggle-simulated-logging", { everyMs: 5 });
		sessions.push(/for session (\S+)$/.exec(started)?.[1] ?? "");
	}
	// Servers are built anew meanwhile, and what runs in a module goes on.
	await old.call("toggle-tool");
	await until(() => old.heard.length >= 16 && recent.heard.length >= 8, "the messages come, round after round");
	assert.deepEqual(new Set(recent.heard.map(({ level }) => level)), new Set(SEVERE));
	assert.ok(old.heard.some(({ level }) => level === "debug"));
	for (const [index, { heard }] of [old, recent].entries()) {
		assert.ok(
			heard.every(({ data }) => String(data).endsWith(`for ${sessions[index]}`)),
			"only its own",
		);
	}
	assert.deepEqual(silent.heard, []);
	assert.match(await old.call("toggle-simulated-logging"), /^Stopped/);

	await recent.transport.terminateSession();
	await until(async () => (await dropped(server, "everything", "session_gone")) > 0, "what comes late is counted");
	assert.equal((await server.module("mcps/everything")).state, "running");
	assert.equal(await dropped(server, "everything", "not_called"), 0);
	const told = server.logged.filter((line) => line.includes("the session has ended"));
	assert.equal(told.length, 1, "and told once");
});

/** Sends what it is told to, from where it is told to. */
const SENDS = `
	let contexts = new Map();
	let notifiers = new Map();
	let queue = [];
	setInterval(() => { for (const send of queue.splice(0)) void send().catch(() => {}); }, 1);
	const done = { content: [] };
	export default (server) => {
		server.registerTool("remember", {}, (context) => {
			contexts.set(context.sessionId, context);
			const { elicitation } = server.server.getClientCapabilities() ?? {};
			if (elicitation?.url) notifiers.set(context.sessionId, server.server.createElicitationCompletionNotifier("form-1"));
			return { content: [{ type: "text", text: String(context.sessionId) }] };
		});
		server.registerTool("send", {}, ({ sessionId }) => {
			// In the context of this call, and of no call at all.
			for (const run of [(send) => send().catch(() => {}), (send) => queue.push(send)]) {
				for (const [session, { mcpReq }] of contexts) {
					if (session === sessionId) continue;
					run(() => mcpReq.log("info", "by its context"));
					run(() => server.server.sendLoggingMessage({ level: "info", data: "by its id" }, session));
					run(() => mcpReq.notify({ method: "notifications/progress", params: { progressToken: 1, progress: 1 } }));
					run(() => mcpReq.notify({ method: "notifications/tools/unheard-of", params: {} }));
				}
				for (const complete of notifiers.values()) run(complete);
			}
			queue.push(() => server.server.sendLoggingMessage({ level: "info", data: "to nobody" }));
			return done;
		});
	};`;

for (const isolation of ["thread", "process"])
	test(`what a module in a ${isolation} sends later reaches the session of the call that it comes from`, async (t) => {
		const policy = `modules: { mcps/sends: { isolation: ${isolation} } }`;
		const server = await startTestServer(t, { files: { "mcps/sends.js": SENDS, "plugins.yaml": policy } });
		const { url } = server;
		const capabilities = { elicitation: { form: {}, url: {} } };
		const first = await openSession(url, { capabilities });
		const second = await openSession(url, { capabilities: {} });
		const [one, two, other] = [
			await listen(t, url, first.session),
			await listen(t, url, second.session),
			await listen(t, url, (await openSession(url)).session),
		];
		await (await post(url, toolCall("remember"), first)).text();
		await (await post(url, toolCall("remember"), second)).text();
		// Of neither a stateless call nor one of the 2026-07-28 revision is there anybody to send to afterwards.
		await (await post(url, toolCall("remember"))).text();
		await (await postModernCall(url, { name: "remember" })).text();
		await (await post(url, toolCall("send"), other)).text();

		await until(() => one.messages.length === 6 && two.messages.length === 4, "each hears what is for it");
		const heard = ({ messages }: Listening): readonly string[] =>
			messages.map(({ params }) => String(params?.["data"] ?? params?.["elicitationId"])).toSorted();
		const logged = ["by its context", "by its context", "by its id", "by its id"];
		assert.deepEqual(heard(one), [...logged, "form-1", "form-1"]);
		assert.deepEqual(heard(two), logged);
		assert.deepEqual(other.messages, []);
	});

/** Modules that send to whatever session they are told of, each with a tool of its name. */
function reaching(...names: readonly string[]): Readonly<Record<string, string>> {
	const source = (name: string): string => `
		import * as z from "zod";
		const inputSchema = z.object({ session: z.string(), count: z.int(), length: z.int() });
		export default (server) => server.registerTool("${name}", { inputSchema }, ({ session, count, length }) => {
			for (let n = 0; n < count; n++) {
				server.server.sendLoggingMessage({ level: "info", data: "x".repeat(length) }, session);
			}
			return { content: [] };
		});`;
	return Object.fromEntries(names.map((name) => [`mcps/${name}.js`, source(name)]));
}

/** A session that has called these modules, and what modules know it by. */
async function called(url: string, ...names: readonly string[]): Promise<Called> {
	const { session } = await openSession(url);
	const answer = (await (await post(url, toolCall("remember"), { session })).json()) as Message;
	const address = answer.result?.content?.[0]?.text ?? "";
	for (const name of names) {
		await (await post(url, toolCall(name, { session: address, count: 0, length: 1 }), { session })).text();
	}
	return { session, address };
}
interface Called {
	readonly session: string;
	readonly address: string;
}

test("a module cannot reach a session that has not called it", async (t) => {
	const server = await startTestServer(t, { files: { "mcps/sends.js": SENDS, ...reaching("reaches") } });
	const { url, execute } = server;
	const { session, address } = await called(url);
	const listening = await listen(t, url, session);
	assert.equal(address.length, 22);

	await execute("reaches", { session: address, count: 3, length: 1 });
	await until(
		async () => (await dropped(server, "reaches", "not_called")) === 3,
		"its messages are dropped, and counted",
	);
	await execute("reaches", { session: "x".repeat(22), count: 2, length: 1 });
	await until(async () => (await dropped(server, "reaches", "session_gone")) === 2, "there is no such session");
	// One that is too long is no address at all.
	await execute("reaches", { session: "x".repeat(65), count: 1, length: 1 });

	await (await post(url, toolCall("reaches", { session: address, count: 0, length: 1 }), { session })).text();
	await execute("reaches", { session: address, count: 1, length: 2 });
	await until(() => listening.messages.length === 1, "once it has been called, it may");
	assert.equal(listening.messages[0]?.params?.["data"], "xx");
	assert.equal((await server.module("mcps/reaches")).state, "running");
});

test("what a module sends while a newer version serves already reaches its session", async (t) => {
	const version = (number: number): string => `
		let last = async () => {};
		export default (server) => server.registerTool("remember", {}, ({ sessionId }) => {
			last = () => server.server.sendLoggingMessage({ level: "info", data: "last words of ${number}" }, sessionId);
			return { content: [{ type: "text", text: String(sessionId) }] };
		});
		export const stop = () => last();`;
	const server = await startTestServer(t, { files: { "mcps/leaves.js": version(1) } });
	const { session } = await called(server.url);
	const listening = await listen(t, server.url, session);
	await server.save("mcps/leaves.js", version(2));
	await until(() => listening.messages.length > 0, "they are heard", 60_000);
	assert.equal(listening.messages[0]?.params?.["data"], "last words of 1");
});

test("what a module sends outside of calls is limited, in number and in length", async (t) => {
	const server = await startTestServer(t, { files: { "mcps/sends.js": SENDS, ...reaching("reaches") } });
	const { url, execute } = server;
	const { session, address } = await called(url, "reaches");
	const listening = await listen(t, url, session);

	await execute("reaches", { session: address, count: 1, length: 70_000 });
	const startedAt = performance.now();
	await execute("reaches", { session: address, count: 2000, length: 1 });
	await until(async () => listening.messages.length + (await dropped(server, "reaches", "rate_limit")) === 2000, "all");
	const allowed = 500 + (100 * (performance.now() - startedAt)) / 1000;
	const arrived = listening.messages.length;
	assert.ok(arrived >= 400 && arrived <= allowed, `${arrived} of 2000 arrived, at most ${allowed} may`);
	assert.ok(
		listening.messages.every(({ params }) => params?.["data"] === "x"),
		"the long one was dropped",
	);
	assert.equal(await dropped(server, "reaches", "invalid"), 1);
	const { state, generation } = await server.module("mcps/reaches");
	assert.deepEqual({ state, generation }, { state: "running", generation: 1 });
});

/** Sends what no client can be sent, and waits for it. */
const SENDS_ODDLY = `
	export default (server) => server.registerTool("oddly", {}, async ({ mcpReq }) => {
		const say = (data, session) => server.server.sendLoggingMessage({ level: "info", data }, session);
		for (const session of [123, null, {}, ["x"], "x".repeat(65)]) {
			await say("odd", session);
			await new Promise((resolve) => setTimeout(() => resolve(say("odd", session)), 0));
		}
		for (let n = 0; n < 3; n++) await mcpReq.log("info", "x".repeat(300_000));
		return { content: [{ type: "text", text: "sent" }] };
	});`;

test("what is too long to be sent, or names no session, is dropped and its sender goes on", async (t) => {
	const server = await startTestServer(t, { files: { "mcps/oddly.js": SENDS_ODDLY } });
	const { session } = await openSession(server.url);
	const messages = await messagesOf(await post(server.url, toolCall("oddly"), { session }));
	assert.equal(messages.at(-1)?.result?.content?.[0]?.text, "sent");
	const said = messages
		.filter(({ method }) => method === "notifications/message")
		.map(({ params }) => params?.["data"]);
	assert.deepEqual(
		said,
		Array.from({ length: 10 }, () => "odd"),
		"they belong to the call",
	);
	await until(() => server.logged.some((line) => line.includes("300")), "the log tells of it");
	assert.equal(server.logged.filter((line) => line.includes("that a call may send at a time")).length, 1);
	assert.ok(!server.logged.some((line) => line.includes("not of the protocol")), server.logged.join("\n"));
});

test("a client that has lost its event stream gets what was sent meanwhile", async (t) => {
	const { url, execute } = await startTestServer(t, {
		files: { "mcps/sends.js": SENDS, ...reaching("reaches") },
	});
	const { session, address } = await called(url, "reaches");
	const listening = await listen(t, url, session);
	const reach = { session: address, count: 1, length: 1 };
	await execute("reaches", reach);
	await until(() => listening.messages.length > 0, "the stream is there");
	await listening.close();
	await execute("reaches", { ...reach, length: 2 });
	const again = await listen(t, url, session, listening.lastEventId());
	await until(() => again.messages.length === 1, "it comes with the new stream");
	assert.equal(again.messages[0]?.params?.["data"], "xx");
});

test("nothing is sent to a client that does not read what it was sent before", async (t) => {
	const { server, response, execute } = await stuck(t);
	let received = "";
	response.setEncoding("utf8").on("data", (text: string) => void (received += text));
	await until(async () => {
		await execute(3);
		return received.includes('"data":"xxx"');
	}, "it is heard again once it reads");
	assert.equal((await server.module("mcps/one")).state, "running");
});

test("a client that resumes its stream on another connection is heard, though the one before is full", async (t) => {
	const { server, session, execute } = await stuck(t);
	const again = await listen(t, server.url, session, await newestEvent(server.url, session));
	await until(async () => {
		await execute(3);
		return again.messages.some(({ params }) => params?.["data"] === "xxx");
	}, "what comes now arrives");
});

/** A session whose client does not read its event stream, after it was sent more than the system keeps for a connection. */
async function stuck(t: TestContext) {
	const names = ["one", "two", "three", "four", "five", "six"];
	const server = await startTestServer(t, { files: { "mcps/sends.js": SENDS, ...reaching(...names) } });
	const { session, address } = await called(server.url, ...names);
	const headers = { accept: "text/event-stream", "mcp-session-id": session };
	const opening = get(`${server.url}/mcp`, { headers });
	t.after(() => opening.destroy());
	const [response] = (await once(opening, "response")) as [IncomingMessage];
	response.on("error", () => undefined); // the host may close it

	// Each may send 2 MiB at once.
	for (const name of names) await server.execute(name, { session: address, count: 31, length: 60_000 });
	const counts = async (): Promise<number[]> => Promise.all(names.map((name) => dropped(server, name, "slow_client")));
	await until(async () => (await counts()).some((count) => count > 0), "some are dropped, and counted");
	const execute = (length: number) => server.execute("one", { session: address, count: 1, length });
	return { server, session, response, execute };
}

/** What such a client would name if it had read all: an event that is still kept. */
async function newestEvent(url: string, session: string): Promise<string> {
	for (let number = 400; number > 0; number--) {
		const id = `_GET_stream_${number}`;
		const headers = { accept: "text/event-stream", "mcp-session-id": session, "last-event-id": id };
		const { status, body } = await fetch(`${url}/mcp`, { headers });
		await body?.cancel();
		if (status === 200) return id;
	}
	throw new Error("no event is kept");
}

async function dropped(server: TestServer, module: string, reason: string): Promise<number> {
	const series = `mcp_session_messages_dropped_total{server_id="mcps/${module}",reason="${reason}"}`;
	return sampleOf(await server.metrics(), series) ?? 0;
}

interface Logged {
	readonly level: string;
	readonly data?: unknown;
}

async function listeningOld(t: TestContext, url: string) {
	const heard: Logged[] = [];
	const client = new Client1({ name: "old", version: "1" });
	client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void heard.push(params));
	const transport = oldTransport(url);
	await client.connect(transport as SdkTransport1);
	t.after(() => client.close());
	const call = async (name: string, args = {}) => textOf(await client.callTool({ name, arguments: args }));
	return { client, heard, call };
}

async function listeningRecent(t: TestContext, url: string) {
	const heard: Logged[] = [];
	const client = new Client2({ name: "recent", version: "1" });
	client.setNotificationHandler("notifications/message", ({ params }) => void heard.push(params));
	const transport = new Transport2(new URL(`${url}/mcp`));
	await client.connect(transport);
	t.after(() => client.close());
	const call = async (name: string, args = {}) => textOf(await client.callTool({ name, arguments: args }));
	return { client, transport, heard, call };
}

function textOf(result: unknown): string {
	const { content } = result as { content: { text: string }[] };
	return content[0]?.text ?? "";
}
