/** What a client of the 2.x SDK does by itself where its connection is cut, and what it asks for a request at a time. */
import assert from "node:assert/strict";
import diagnostics from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";
import { type TestContext, test } from "node:test";
import { Client, LOG_LEVEL_META_KEY, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { startTestServer } from "../support/test-server.ts";

const STEPS = "mcps/waits-to-be-told.ts";

test("a client of a 2025-era session whose stream is cut comes back by itself, with Last-Event-ID, and misses nothing", async (t) => {
	const { url } = await startTestServer(t, { fixtures: [STEPS] });
	const client = await connectLegacy(t, url);
	const streams = watchStreams(t);
	const progress: number[] = [];
	const result = await client.callTool(
		{ name: "steps" },
		{
			onprogress(update) {
				progress.push(update.progress);
				if (update.progress === 3) {
					streams.cut();
					void client.callTool({ name: "come-back" });
				}
			},
		},
	);
	assert.deepEqual(result.content, [{ type: "text", text: "six steps" }]);
	assert.deepEqual(progress, [1, 2, 3, 4, 5, 6]);
	assert.equal(streams.resumed(), 1);
});

test("a client that has lost all but its session and a token takes its call up again", async (t) => {
	const { url } = await startTestServer(t, { fixtures: [STEPS] });
	const first = await connectLegacy(t, url);
	const { promise: tokenOfThird, resolve } = Promise.withResolvers<string>();
	let token = "";
	const lost = first.callTool(
		{ name: "steps" },
		{
			onresumptiontoken: (latest) => void (token = latest),
			onprogress: ({ progress }) => void (progress === 3 && resolve(token)),
		},
	);
	const resumptionToken = await tokenOfThird;
	const { transport } = first as { transport?: { readonly sessionId?: string } };
	const sessionId = transport?.sessionId ?? "";
	const gone = assert.rejects(lost);
	await first.close(); // which ends its connections, and not the session
	await gone;

	const second = await connectLegacy(t, url, sessionId);
	await second.callTool({ name: "come-back" });
	const progress: number[] = [];
	const result = await second.callTool(
		{ name: "steps" },
		{ resumptionToken, onprogress: (update) => void progress.push(update.progress) },
	);
	assert.deepEqual(result.content, [{ type: "text", text: "six steps" }]);
	assert.deepEqual(progress, [4, 5, 6]);
});

test("in the 2026-07-28 era a request has the log messages from the level that it asks for itself", async (t) => {
	const { url } = await startTestServer(t, { fixtures: ["mcps/everything.ts"] });
	const client = new Client({ name: "recent", version: "1" }, { versionNegotiation: { mode: "auto" } });
	t.after(() => client.close());
	await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`)));
	assert.equal(client.getNegotiatedProtocolVersion(), "2026-07-28");
	const levels: string[] = [];
	client.setNotificationHandler("notifications/message", ({ params }) => void levels.push(params.level));
	const levelsOf = async (logLevel?: string): Promise<readonly string[]> => {
		levels.length = 0;
		const _meta = logLevel === undefined ? {} : { [LOG_LEVEL_META_KEY]: logLevel };
		// A stream is read in order: messages come before the answer.
		await client.callTool({ name: "log-two-levels", _meta });
		return [...levels];
	};
	assert.deepEqual(await levelsOf("debug"), ["debug", "error"]);
	assert.deepEqual(await levelsOf("warning"), ["error"]);
	assert.deepEqual(await levelsOf("emergency"), []);
	assert.deepEqual(await levelsOf(), [], "who does not ask gets none");
	const both = await Promise.all([levelsOf("error"), client.callTool({ name: "log-two-levels" })]);
	assert.deepEqual(both[0], ["error"], "and no level holds for another request");
});

async function connectLegacy(t: TestContext, url: string, sessionId?: string): Promise<Client> {
	const client = new Client({ name: "recent", version: "1" }, { versionNegotiation: { mode: "legacy" } });
	t.after(() => client.close());
	const options = sessionId === undefined ? {} : { sessionId };
	await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), options));
	return client;
}

/** The event streams of calls that the server in this process has under way. */
function watchStreams(t: TestContext): { cut(): void; resumed(): number } {
	const requests: IncomingMessage[] = [];
	const watch = (message: unknown): void => void requests.push((message as { request: IncomingMessage }).request);
	diagnostics.subscribe("http.server.request.start", watch);
	t.after(() => diagnostics.unsubscribe("http.server.request.start", watch));
	return {
		cut: () => requests.find(({ method }) => method === "POST")?.socket.destroy(),
		resumed: () => requests.filter(({ headers }) => headers["last-event-id"] !== undefined).length,
	};
}
