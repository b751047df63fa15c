import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServerEvent } from "@modelcontextprotocol/server";
import { createChangeNotices, onCaughtUp } from "../../../src/mcp/sessions/change-notifier.ts";
import { fill, unreadResponses } from "../../support/unread-response.ts";
import { until } from "../../support/until.ts";

const TOOLS: ServerEvent = { kind: "tools_list_changed" };
const PROMPTS: ServerEvent = { kind: "prompts_list_changed" };
const updated = (uri: string): ServerEvent => ({ kind: "resource_updated", uri });

test("what changes while a client does not read is told once, if the client still wants to know", () => {
	const client = { isStalled: false };
	const subscriptions = new Set(["a:", "b:"]);
	const sent: ServerEvent[] = [];
	const { tell, resume } = createChangeNotices({
		isStalled: () => client.isStalled,
		subscriptions,
		send: (change) => void sent.push(change),
	});
	const changes = [TOOLS, updated("a:"), updated("unwanted:"), updated("b:"), PROMPTS];
	for (const change of changes) tell(change);
	assert.deepEqual(sent.splice(0), [TOOLS, updated("a:"), updated("b:"), PROMPTS]);

	client.isStalled = true;
	for (let round = 0; round < 100; round++) for (const change of changes) tell(change);
	assert.deepEqual(sent, []);
	client.isStalled = false;
	subscriptions.delete("b:");
	resume();
	assert.deepEqual(sent.splice(0), [TOOLS, updated("a:"), PROMPTS]);
	resume();
	assert.deepEqual(sent, []);
});

test("a client has caught up when it has read what waited behind its response as well", async (t) => {
	const open = await unreadResponses(t);
	const { response, received } = await open();
	let waiting = 3;
	response.on("drain", () => {
		if (waiting === 0) return;
		waiting -= 1;
		fill(response);
	});
	let caughtUp = 0;
	onCaughtUp(response, () => {
		assert.equal(waiting, 0);
		caughtUp += 1;
	});
	fill(response);
	received.resume();
	await until(() => caughtUp > 0, "all is read");
	assert.equal(caughtUp, 1);
});
