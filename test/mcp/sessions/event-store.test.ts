import assert from "node:assert/strict";
import { test } from "node:test";
import type { JSONRPCMessage } from "@modelcontextprotocol/server";
import { createEventStores, type SessionEventStore } from "../../../src/mcp/sessions/event-store.ts";

const message = (number: number, size = 0): JSONRPCMessage => ({
	jsonrpc: "2.0",
	method: "notifications/message",
	params: { number, text: "x".repeat(size) },
});

async function replayed(store: SessionEventStore, after: string): Promise<readonly unknown[]> {
	const numbers: unknown[] = [];
	await store.replayEventsAfter(after, {
		send: async (_id, sent) => void numbers.push((sent as unknown as { params: { number: unknown } }).params.number),
	});
	return numbers;
}

test("what came on a stream after an event is sent again, and nothing of another stream", async () => {
	const store = createEventStores({ maxSessionBytes: 1e6, maxTotalBytes: 1e6 }).create();
	const priming = await store.storeEvent("s", {} as JSONRPCMessage);
	const first = await store.storeEvent("s", message(1));
	await store.storeEvent("other", message(2));
	await store.storeEvent("s", message(3));
	assert.deepEqual(await replayed(store, priming), [1, 3]);
	assert.deepEqual(await replayed(store, first), [3]);
	assert.equal(store.has(first), true);
	assert.equal(store.has("s_99"), false);
});

test("a session keeps so much, all together keep so much, and the oldest go first", async () => {
	const stores = createEventStores({ maxSessionBytes: 10_000, maxTotalBytes: 15_000 });
	const [a, b] = [stores.create(), stores.create()];
	const ids: string[] = [];
	for (let number = 0; number < 10; number++) ids.push(await a.storeEvent("s", message(number, 1000)));
	assert.equal(a.has(ids[0] ?? ""), false, "what is gone cannot be resumed from");
	assert.ok(stores.size() <= 10_000);
	for (let number = 0; number < 10; number++) await b.storeEvent("s", message(number, 1000));
	assert.ok(stores.size() <= 15_000);
	a.close();
	b.close();
	assert.equal(stores.size(), 0);
});
