import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { InMemoryTransport, type JSONRPCMessage, Server } from "@modelcontextprotocol/server";
import * as fc from "fast-check";
import { setImmediate as sent } from "node:timers/promises";
import { createSessionMessages, type SessionMessageDrop } from "../../../src/mcp/sessions/session-messages.ts";
import { StandaloneStream } from "../../../src/mcp/sessions/session-stream.ts";

const CALLER = "mcps/called";
const ADDRESS = "an address";

/** One session, of a client that declares nothing, which has called one module. */
async function openSession(t: TestContext) {
	const server = new Server({ name: "test", version: "1" }, { capabilities: { logging: {} } });
	const [client, transport] = InMemoryTransport.createLinkedPair();
	const received: JSONRPCMessage[] = [];
	client.onmessage = (message) => void received.push(message);
	await client.start();
	await server.connect(transport);
	t.after(() => server.close());
	const state = {
		logLevel: "warning" as string | undefined,
		stream: new StandaloneStream(),
		called: new Set([CALLER]),
		origin: <From>(from: From): From => from,
		isOpen: () => true,
	};
	const clock = { now: 0 };
	const dropped: SessionMessageDrop[] = [];
	const firsts: SessionMessageDrop[] = [];
	const push = createSessionMessages({
		sessionAt: (address) => (address === ADDRESS ? { server, state } : undefined),
		onDropped(_moduleId, reason, isFirst) {
			dropped.push(reason);
			if (isFirst) firsts.push(reason);
		},
		now: () => clock.now,
	});
	return { received, state, clock, dropped, firsts, push };
}

function logMessage(level: string, data = "x"): string {
	return JSON.stringify({ method: "notifications/message", params: { level, data } });
}

test("what is no message for the session's client is dropped, for one of the reasons there are", async (t) => {
	const { received, dropped, firsts, push } = await openSession(t);
	push(CALLER, ADDRESS, logMessage("info")); // below the level: no drop
	push(CALLER, ADDRESS, logMessage("error"));
	push(CALLER, "another address", logMessage("error"));
	push("mcps/other", ADDRESS, logMessage("error"));
	push(CALLER, ADDRESS, "{");
	push(CALLER, ADDRESS, JSON.stringify({ method: "notifications/tools/list_changed", params: {} }));
	// The client has not declared that it is sent anywhere by URL.
	push(
		CALLER,
		ADDRESS,
		JSON.stringify({ method: "notifications/elicitation/complete", params: { elicitationId: "1" } }),
	);
	await sent();
	assert.deepEqual(dropped.toSorted(), ["invalid", "invalid", "invalid", "not_called", "session_gone"]);
	assert.deepEqual(firsts.toSorted(), ["invalid", "not_called", "session_gone"]);
	assert.deepEqual(received, [
		{ jsonrpc: "2.0", method: "notifications/message", params: { level: "error", data: "x" } },
	]);
});

test("each module has so many messages a second, and long ones count as several", async (t) => {
	const { received, state, clock, dropped, push } = await openSession(t);
	state.called.add("mcps/second");
	for (let n = 0; n < 600; n++) push(CALLER, ADDRESS, logMessage("error"));
	await sent();
	assert.ok(received.length >= 480 && received.length <= 500, `${received.length} at once`);
	assert.equal(dropped.length + received.length, 600);
	push("mcps/second", ADDRESS, logMessage("error"));
	await sent();
	assert.equal(received.length + dropped.length, 601);
	const before = received.length;
	clock.now += 1000;
	for (let n = 0; n < 200; n++) push(CALLER, ADDRESS, logMessage("error", "x".repeat(36_000)));
	await sent();
	assert.equal(received.length - before, 10, "of tens of thousands of characters, some a second");
	assert.deepEqual(new Set(dropped), new Set(["rate_limit"]));
});

test("whatever a worker sends, a client gets well-formed messages of two kinds or nothing", async (t) => {
	const { received, state, clock, push } = await openSession(t);
	state.logLevel = undefined;
	const method = fc.constantFrom(
		"notifications/message",
		"notifications/elicitation/complete",
		"tools/call",
		"notifications/progress",
	);
	const text = fc.oneof(
		fc.string(),
		fc.json(),
		fc.record({ method, params: fc.anything() }, { requiredKeys: [] }).map((value) => JSON.stringify(value) ?? ""),
		fc.record({ method, params: fc.dictionary(fc.string(), fc.jsonValue()) }).map((value) => JSON.stringify(value)),
	);
	fc.assert(
		fc.property(text, fc.constantFrom(ADDRESS, "", "__proto__"), (json, address) => {
			clock.now += 1000;
			push(CALLER, address, json);
		}),
	);
	push(CALLER, ADDRESS, logMessage("debug", "the last"));
	await sent();
	assert.ok(received.length > 0);
	for (const message of received) assert.ok("method" in message && message.method === "notifications/message");
});
