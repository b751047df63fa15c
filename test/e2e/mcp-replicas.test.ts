import assert from "node:assert/strict";
import { test } from "node:test";
import { messagesOf, type Message, postModernCall } from "../support/mcp-post.ts";
import { startTestServer } from "../support/test-server.ts";

/** A tool of two rounds. */
const NAMED = `
	import { acceptedContent, inputRequired } from "@modelcontextprotocol/server";
	import * as z from "zod";
	const NAME = z.object({ name: z.string() });
	export default (server) => {
		server.registerTool("greet", { inputSchema: z.object({}) }, (_input, { mcpReq }) => {
			const given = acceptedContent(mcpReq.inputResponses, "who", NAME);
			if (given !== undefined) return { content: [{ type: "text", text: mcpReq.requestState() + " " + given.name }] };
			const who = inputRequired.elicit({ message: "Who?", requestedSchema: NAME });
			return inputRequired({ inputRequests: { who }, requestState: "Hello" });
		});
	};`;
const KEY = "one key for two hosts, long enough to count";

test("a call begun on one host is finished on another with the same REQUEST_STATE_KEY, and refused by any other", async (t) => {
	const start = async (key?: string): Promise<string> => {
		const env = { ...(key !== undefined && { REQUEST_STATE_KEY: key }) };
		return (await startTestServer(t, { files: { "mcps/named.js": NAMED }, env })).url;
	};
	const [first, replica, stranger, keyless] = [
		await start(KEY),
		await start(KEY),
		await start(`${KEY}!`),
		await start(),
	];

	const begun = await call(first, {});
	assert.equal(begun.result?.resultType, "input_required");
	const { requestState } = begun.result;
	assert.ok(requestState !== undefined && !requestState.includes("Hello"));
	const finish = { requestState, inputResponses: { who: { action: "accept", content: { name: "Ann" } } } };

	assert.equal((await call(replica, finish)).result?.content?.[0]?.text, "Hello Ann");
	for (const other of [stranger, keyless]) {
		const refused = await call(other, finish);
		assert.equal(refused.error?.code, -32602);
		assert.match(refused.error.message, /Invalid or expired requestState/);
		assert.deepEqual(refused.error.data, { reason: "invalid_request_state" });
	}
});

async function call(url: string, params: object): Promise<Message> {
	const response = await postModernCall(
		url,
		{ name: "greet", arguments: {}, ...params },
		{ capabilities: { elicitation: {} } },
	);
	const [message] = await messagesOf(response);
	assert.ok(message !== undefined);
	return message;
}
