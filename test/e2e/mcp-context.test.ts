import assert from "node:assert/strict";
import diagnostics from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import { listen } from "../support/event-stream.ts";
import { messagesOf, openSession, post, postModernCall, toolCall } from "../support/mcp-post.ts";
import { startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

/** Says what it is told about its call. */
const CONTEXT = `
	export default (server) => server.registerTool("context", {}, ({ http, mcpReq }) => {
		const { traceparent, tracestate, baggage } = mcpReq._meta ?? {};
		return { content: [{ type: "text", text: JSON.stringify({ auth: http?.authInfo, trace: [traceparent, tracestate, baggage] }) }] };
	});`;
const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const OTHER_PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

interface Seen {
	readonly auth?: object;
	readonly trace: readonly (string | null)[];
}
type Ask = (headers: Readonly<Record<string, string>>, meta?: object) => Promise<Seen>;

/** One call, in each of the ways that a client may make it. */
async function waysTo(url: string, headers: Readonly<Record<string, string>> = {}): Promise<readonly Ask[]> {
	const { session } = await openSession(url, { headers });
	const seen = async (response: Response): Promise<Seen> =>
		JSON.parse((await messagesOf(response)).at(-1)?.result?.content?.[0]?.text ?? "") as Seen;
	const legacy = (_meta: object = {}): object => {
		const message = toolCall("context") as { params: object };
		return { ...message, params: { ...message.params, _meta } };
	};
	return [
		async (own, _meta = {}) => seen(await postModernCall(url, { name: "context", _meta }, { headers: own })),
		async (own, meta) => seen(await post(url, legacy(meta), { headers: own })),
		async (own, meta) => seen(await post(url, legacy(meta), { headers: own, session })),
	];
}

for (const directCalls of [true, false])
	test(`trace context reaches the module, from _meta or else from the headers, directCalls ${directCalls}`, async (t) => {
		const { url } = await startTestServer(t, { files: { "mcps/context.js": CONTEXT }, server: { directCalls } });
		for (const ask of await waysTo(url)) {
			assert.deepEqual((await ask({})).trace, [null, null, null]);
			const headers = { traceparent: PARENT, tracestate: "a=1,b=2", baggage: "user=ann" };
			assert.deepEqual((await ask(headers)).trace, [PARENT, "a=1,b=2", "user=ann"]);
			assert.deepEqual((await ask({ baggage: "user=ann" })).trace, [null, null, "user=ann"]);
			// A client's own words are about its call; a proxy's are about the HTTP request.
			assert.deepEqual((await ask(headers, { traceparent: OTHER_PARENT })).trace, [OTHER_PARENT, null, null]);
		}
	});

test("what authentication left on the request reaches the module, without the token, and a session is its owner's", async (t) => {
	const authenticate = (message: unknown): void => {
		const { request } = message as { request: IncomingMessage & { auth?: object } };
		const clientId = request.headers["x-test-client"];
		const extra = { team: "payments" };
		if (clientId !== undefined) request.auth = { token: "secret", clientId, scopes: ["mcp"], extra };
	};
	diagnostics.subscribe("http.server.request.start", authenticate);
	t.after(() => diagnostics.unsubscribe("http.server.request.start", authenticate));

	const { url } = await startTestServer(t, { files: { "mcps/context.js": CONTEXT } });
	const ann = { "x-test-client": "ann" };
	for (const ask of await waysTo(url, ann)) {
		const { auth } = await ask(ann);
		assert.deepEqual(auth, { token: "", clientId: "ann", scopes: ["mcp"], extra: { team: "payments" } });
	}
	const { session } = await openSession(url, { headers: ann });
	for (const headers of [{ "x-test-client": "bob" }, {}]) {
		assert.equal((await post(url, toolCall("context"), { session, headers })).status, 404);
	}
	for (const ask of await waysTo(url)) assert.equal((await ask({})).auth, undefined);
});

/** Tells its client that a form is filled in, and in the next call that the one before was. */
const MESSAGES = `
	let late;
	export default (server) => {
		const complete = ({ mcpReq }) => (elicitationId) =>
			mcpReq.notify({ method: "notifications/elicitation/complete", params: { elicitationId } });
		server.registerTool("first", {}, async (context) => {
			late = complete(context);
			await late("during");
			return { content: [] };
		});
		server.registerTool("second", {}, async (context) => {
			await late("late");
			await complete(context)("after");
			return { content: [] };
		});
	};`;

test("a form's completion goes with the call that it comes from while that runs, and not with another", async (t) => {
	const { url } = await startTestServer(t, { files: { "mcps/messages.js": MESSAGES } });
	const { session } = await openSession(url, { capabilities: { elicitation: { form: {}, url: {} } } });
	const { messages } = await listen(t, url, session);
	const completed = async (name: string) => {
		const answers = await messagesOf(await post(url, toolCall(name), { session }));
		return answers.flatMap(({ params }) => params?.["elicitationId"] ?? []);
	};
	assert.deepEqual(await completed("first"), ["during"]);
	assert.deepEqual(await completed("second"), ["after"]);
	await until(() => messages.length === 1, "the late one comes outside of calls");
	assert.equal(messages[0]?.params?.["elicitationId"], "late");
});
