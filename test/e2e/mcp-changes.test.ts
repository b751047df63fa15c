import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { type TestContext, test } from "node:test";
import { openSession, post } from "../support/mcp-post.ts";
import { startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const TOUCHES = `
	import * as z from "zod";
	const inputSchema = z.object({ uri: z.string(), count: z.int() });
	export default (server, { notify }) => server.registerTool("touch", { inputSchema }, ({ uri, count }) => {
		for (let n = 0; n < count; n++) notify.resourceUpdated(uri);
		return { content: [] };
	});`;
/** Updates of it, 24 MB of them, are more than the system keeps for a connection. */
const LONG = `a:/${"a".repeat(8000)}`;
const FLOOD = 3000;
const LAST = "a:/last";

for (const [era, openUnread] of [
	["2025-era session", openStream],
	["2026-07-28 listener", openListener],
] as const)
	test(`a ${era} that does not read keeps no updates waiting but the last of each resource`, async (t) => {
		const { url, execute } = await startTestServer(t, { files: { "mcps/touches.js": TOUCHES } });
		const response = await openUnread(t, url);
		await execute("touch", { uri: LONG, count: FLOOD });
		await execute("touch", { uri: LAST, count: 5 });

		let received = "";
		response.setEncoding("utf8").on("data", (text: string) => void (received += text));
		const updates = (uri: string): number => received.split(`"uri":"${uri}"`).length - 1;
		await until(() => updates(LAST) > 0, "it hears of both when it reads");
		const late = updates(LONG);
		assert.ok(late > 0 && late < FLOOD, `${late} of ${FLOOD}`);

		await execute("touch", { uri: LAST, count: 1 });
		await until(() => updates(LAST) > 1, "and at once from then on");
		assert.equal(updates(LAST), 2);
		assert.equal(updates(LONG), late);
	});

test("a module that names an updated resource by no URI, or one too long, is told so once and goes on", async (t) => {
	const source = (how: string): string => `
		export default (server, { notify }) => {
			server.registerResource("r", "a:/r", {}, () => ({ contents: [] }));
			server.registerTool("touch_${how}", {}, async () => {
				const touch = ${how === "notify" ? "notify.resourceUpdated" : "(uri) => server.server.sendResourceUpdated({ uri })"};
				for (const uri of ["a:/" + "a".repeat(8190), undefined, 5, new URL("a:/r")]) await touch(uri);
				return { content: [] };
			});
		};`;
	const ways = ["notify", "server"];
	const files = Object.fromEntries(ways.map((how) => [`mcps/${how}.js`, source(how)]));
	const server = await startTestServer(t, { files });
	const told = () => server.logged.filter((line) => line.includes("no URI of at most 8192"));
	for (const [index, how] of ways.entries()) {
		assert.deepEqual((await server.execute(`touch_${how}`)).body, { content: [] });
		await until(() => told().length > index, "its author is told");
		await server.execute(`touch_${how}`);
		const { state, restarts } = await server.module(`mcps/${how}`);
		assert.deepEqual([state, restarts, told().length], ["running", {}, index + 1]);
	}
});

async function openStream(t: TestContext, url: string): Promise<IncomingMessage> {
	const { session } = await openSession(url);
	for (const uri of [LONG, LAST]) {
		const subscribe = { jsonrpc: "2.0", id: 1, method: "resources/subscribe", params: { uri } };
		await (await post(url, subscribe, { session })).text();
	}
	return unread(t, url, "GET", { "mcp-session-id": session });
}

function openListener(t: TestContext, url: string): Promise<IncomingMessage> {
	const method = "subscriptions/listen";
	const _meta = {
		"io.modelcontextprotocol/protocolVersion": "2026-07-28",
		"io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
		"io.modelcontextprotocol/clientCapabilities": {},
	};
	const params = { notifications: { resourceSubscriptions: [LONG, LAST] }, _meta };
	const headers = { "content-type": "application/json", "mcp-protocol-version": "2026-07-28", "mcp-method": method };
	return unread(t, url, "POST", headers, { jsonrpc: "2.0", id: 1, method, params });
}

/** An event stream of which nothing is read yet. */
async function unread(
	t: TestContext,
	url: string,
	method: string,
	headers: Readonly<Record<string, string>>,
	message?: object,
): Promise<IncomingMessage> {
	const accept = "application/json, text/event-stream";
	const asked = request(`${url}/mcp`, { method, headers: { accept, ...headers } });
	t.after(() => asked.destroy());
	asked.end(message === undefined ? undefined : JSON.stringify(message));
	const [response] = (await once(asked, "response")) as [IncomingMessage];
	assert.equal(response.statusCode, 200);
	return response;
}
