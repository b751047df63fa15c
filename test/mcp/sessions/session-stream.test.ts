import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { StandaloneStream } from "../../../src/mcp/sessions/session-stream.ts";
import { fill, unreadResponses } from "../../support/unread-response.ts";

test("a client that resumes its stream has given up the connection that it does not read", async (t) => {
	const open = await unreadResponses(t);
	const stream = new StandaloneStream();
	const stuck = await open();
	stream.add(stuck.response);
	fill(stuck.response);
	assert.ok(stream.isStalled());

	const closed = once(stuck.response, "close");
	const { response } = await open();
	stream.add(response, true);
	assert.equal(stream.isStalled(), false);
	assert.equal(await stream.opened(0), true);
	await closed;
	fill(response);
	assert.ok(stream.isStalled());
});

test("of several connections the last one that was not refused is looked at", async (t) => {
	const open = await unreadResponses(t);
	const stream = new StandaloneStream();
	const ending = await open();
	stream.add(ending.response);
	fill(ending.response);
	const { response } = await open();
	stream.add(response);
	const refused = await open();
	refused.response.statusCode = 409;
	stream.add(refused.response);
	fill(refused.response);
	assert.equal(stream.isStalled(), false);
	assert.equal(ending.response.destroyed, false);
});
