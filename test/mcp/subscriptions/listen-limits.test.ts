import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { createListenLimits } from "../../../src/mcp/subscriptions/listen-limits.ts";
import { postModern } from "../../support/mcp-post.ts";
import { startTestServer } from "../../support/test-server.ts";
import { unreadResponses } from "../../support/unread-response.ts";

const listen = (uris: readonly string[]): object => ({ params: { notifications: { resourceSubscriptions: uris } } });

test("who holds most makes room for others, and gets no more itself", async (t) => {
	const open = await unreadResponses(t);
	const limits = createListenLimits({ maxStreams: 3, maxTotalBytes: 10_000, maxBytes: 1000, maxUris: 2 });
	const [a1, a2, a3, b1] = [await open(), await open(), await open(), await open()];
	for (const { response } of [a1, a2, a3]) assert.equal(limits.admit("a", listen(["x://1"]), response), undefined);
	assert.equal(limits.admit("a", listen([]), (await open()).response)?.status, 429);
	const gone = once(a1.response, "close");
	assert.equal(limits.admit("b", listen([]), b1.response), undefined);
	await gone;
	a2.response.destroy();
	await once(a2.response, "close");
	assert.equal(limits.admit("a", listen([]), (await open()).response), undefined, "what is closed counts no more");
	assert.equal(limits.admit("a", listen(["x", "y", "z"]), (await open()).response)?.status, 413);
	assert.equal(limits.admit("a", listen(["x".repeat(1000)]), (await open()).response)?.status, 413);
});

test("bytes of all streams together are bounded as well", async (t) => {
	const open = await unreadResponses(t);
	const limits = createListenLimits({ maxStreams: 100, maxTotalBytes: 2000, maxBytes: 1000, maxUris: 2 });
	const large = listen(["x".repeat(900)]);
	for (let index = 0; index < 2; index++) assert.equal(limits.admit("a", large, (await open()).response), undefined);
	assert.equal(limits.admit("a", large, (await open()).response)?.status, 429);
	assert.equal(limits.admit("b", large, (await open()).response), undefined);
});

test("a subscriptions/listen that asks for too much is refused with what to do", async (t) => {
	const { url } = await startTestServer(t);
	const resourceSubscriptions = Array.from({ length: 150 }, (_, index) => `x://${index}/${"y".repeat(8000)}`);
	const answer = await postModern(url, "subscriptions/listen", undefined, { notifications: { resourceSubscriptions } });
	assert.equal(answer.status, 413);
	const { error, id } = (await answer.json()) as { error: { message: string }; id: number };
	assert.match(error.message, /listen for less/);
	assert.equal(id, 1);
});
