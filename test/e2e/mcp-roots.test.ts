import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from "@modelcontextprotocol/client";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import type { Transport as SdkTransport1 } from "@modelcontextprotocol/sdk/shared/transport.js";
import { ListRootsRequestSchema, LoggingMessageNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { oldTransport } from "../support/both-clients.ts";
import { listen } from "../support/event-stream.ts";
import { type Message, messagesOf, openSession, post, toolCall } from "../support/mcp-post.ts";
import { startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

/** Asks each client whose roots have changed for them. */
const FOLLOWS_ROOTS = `
	let heard = 0;
	const known = new Map();
	export default (server) => {
		server.server.setNotificationHandler("notifications/roots/list_changed", async () => {
			heard++;
			const { sessionId } = server.server.transport;
			try {
				const { roots } = await server.server.listRoots();
				known.set(sessionId, roots.map(({ uri }) => uri).join());
				await server.sendLoggingMessage({ level: "info", data: "thanks" });
			} catch (error) {
				known.set(sessionId, error.message);
			}
		});
		server.registerTool("known-roots", {}, ({ sessionId }) => ({
			content: [{ type: "text", text: known.get(sessionId) ?? "none" }],
		}));
		server.registerTool("heard", {}, () => ({ content: [{ type: "text", text: String(heard) }] }));
	};`;
const FILES = {
	"mcps/follows.js": FOLLOWS_ROOTS,
	"mcps/never-called.js": FOLLOWS_ROOTS.replace('"known-roots"', '"others"').replace('"heard"', '"overheard"'),
	"mcps/deaf.js": 'export default (server) => server.registerTool("deaf", {}, () => ({ content: [] }));',
};
const CHANGED = { jsonrpc: "2.0", method: "notifications/roots/list_changed" };
const capabilities = { roots: { listChanged: true } };

test("modules that a session has called hear of its new roots, and can ask for them", async (t) => {
	const { url, execute, module } = await startTestServer(t, { files: FILES });
	const clients = [await connectOld(t, url), await connectRecent(t, url)];
	for (const { call } of clients) {
		assert.equal(await call("known-roots"), "none");
		await call("deaf");
	}
	for (const [index, { call, change, logged }] of clients.entries()) {
		await change(`file:///${index}`);
		await until(async () => (await call("known-roots")) === `file:///${index}`, "the module has asked");
		await until(() => logged.length > 0, "what it says meanwhile arrives");
		assert.deepEqual(logged, ["thanks"]);
	}
	assert.equal(await clients[0]?.call("known-roots"), "file:///0", "each session has its own");
	assert.equal((await execute("overheard")).body.content?.[0]?.text, "0");
	assert.equal((await module("mcps/deaf")).pending_calls, 0);
});

test("a client that says so without end has its modules told one round at a time", async (t) => {
	const { url, execute } = await startTestServer(t, { files: FILES });
	const { session } = await openSession(url, { capabilities });
	await (await post(url, toolCall("known-roots"), { session })).text();
	const { messages } = await listen(t, url, session);
	for (let n = 0; n < 20; n++) await post(url, CHANGED, { session });
	await until(() => messages.length === 1, "the module asks");
	const answer = async (message: Message | undefined): Promise<void> => {
		const result = { roots: [{ uri: "file:///new" }] };
		await post(url, { jsonrpc: "2.0", id: message?.id, result }, { session });
	};
	await answer(messages[0]);
	await until(() => messages.length === 3, "it says thanks, and asks once more"); // for the nineteen others together
	await answer(messages.findLast(({ method }) => method === "roots/list"));
	await until(() => messages.length === 4, "and that was all");
	assert.equal((await execute("heard")).body.content?.[0]?.text, "2");
});

test("a client without an event stream is not waited for", async (t) => {
	const { url } = await startTestServer(t, { files: FILES });
	const { session } = await openSession(url, { capabilities });
	const known = async (): Promise<string> => {
		const [answer] = await messagesOf(await post(url, toolCall("known-roots"), { session }));
		return answer?.result?.content?.[0]?.text ?? "";
	};
	assert.equal(await known(), "none");
	await post(url, CHANGED, { session });
	await until(async () => /no stream/.test(await known()), "the module is told");
});

async function connectOld(t: TestContext, url: string) {
	const logged: unknown[] = [];
	const client = new Client1({ name: "old", version: "1" }, { capabilities });
	let uri = "file:///old";
	client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri }] }));
	client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void logged.push(params.data));
	await client.connect(oldTransport(url) as SdkTransport1);
	t.after(() => client.close());
	return {
		logged,
		call: async (name: string) => textOf(await client.callTool({ name, arguments: {} })),
		async change(to: string) {
			uri = to;
			await client.sendRootsListChanged();
		},
	};
}

async function connectRecent(t: TestContext, url: string) {
	const logged: unknown[] = [];
	const client = new Client2({ name: "recent", version: "1" }, { capabilities });
	let uri = "file:///recent";
	client.setRequestHandler("roots/list", () => ({ roots: [{ uri }] }));
	client.setNotificationHandler("notifications/message", ({ params }) => void logged.push(params.data));
	await client.connect(new Transport2(new URL(`${url}/mcp`)));
	t.after(() => client.close());
	return {
		logged,
		call: async (name: string) => textOf(await client.callTool({ name, arguments: {} })),
		async change(to: string) {
			uri = to;
			await client.sendRootsListChanged();
		},
	};
}

function textOf(result: unknown): string {
	const { content } = result as { content: { text?: string }[] };
	return content[0]?.text ?? "";
}
