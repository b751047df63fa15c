import assert from "node:assert/strict";
import { MessageChannel } from "node:worker_threads";
import { test } from "node:test";
import { createIntakeQuota, writtenBytes } from "../../../workers/wire/intake-quota.ts";
import type { WorkerMessage } from "../../../workers/wire/messages.ts";
import { createRpcClient } from "../../../workers/wire/rpc-client.ts";
import { until } from "../../support/until.ts";

const KINDS: readonly [message: WorkerMessage, atMost: number][] = [
	[{ type: "logged", level: "info", text: "\u0000".repeat(8192) }, 10],
	[{ type: "relisted", json: "x".repeat(1 << 20) }, 4],
	[{ type: "pushed", session: "s", json: "x".repeat(1 << 16) }, 128],
	[{ type: "emitted", id: 1, json: "x".repeat(1 << 18) }, 128],
	[{ type: "asked", id: 1, ask: 1, json: "x".repeat(1 << 18) }, 128],
	[{ type: "updated", uri: "a:b" }, 10_000],
	[{ type: "taskChanged", taskId: "t" }, 10_000],
	[{ type: "withdrawn", id: 1, ask: 1 }, 10_000],
];
for (const [message, atMost] of KINDS) {
	test(`main takes no more of ${message.type} than its share`, () => {
		const quota = createIntakeQuota(() => 0);
		let taken = 0;
		for (let sent = 0; sent < 20_000; sent++) if (quota.takes(message)) taken += 1;
		assert.equal(taken, atMost);
	});
}

test("what main has asked for is always taken, and a share grows back with time", () => {
	let nowMs = 0;
	const quota = createIntakeQuota(() => nowMs);
	const line: WorkerMessage = { type: "logged", level: "info", text: "x" };
	while (quota.takes(line));
	assert.ok(quota.takes({ type: "done", id: 1, result: null }));
	nowMs += 1000;
	assert.ok(quota.takes(line));
});

test("a log line costs what it takes when it is written", () => {
	assert.equal(writtenBytes("\u0000".repeat(100)) - writtenBytes(""), 600);
	assert.equal(writtenBytes("é") - writtenBytes(""), 2);
});

test("a thread that forges messages past its quota is found unruly, and a batch that is too long is no message", async (t) => {
	const { port1, port2 } = new MessageChannel();
	t.after(() => port1.close());
	const told: string[] = [];
	const events: unknown[] = [];
	let unruly: string | undefined;
	createRpcClient(
		port1,
		{
			onEvent: (event) => events.push(event),
			onViolation: (what) => told.push(what),
			onUnruly: (what) => {
				unruly = what;
			},
			onOverrun: () => undefined,
		},
		1000,
	);
	const forged = { type: "logged", level: "error", text: "\u0000".repeat(8192) };
	port2.postMessage(Array.from({ length: 1000 }, () => forged));
	for (let sent = 0; sent < 1100; sent++) port2.postMessage(forged);
	await until(() => unruly !== undefined, "it is found unruly");
	assert.equal(told[0], "sent a message that is not of the protocol");
	assert.ok(told.length <= 10);
	assert.ok(events.length <= 12, `${events.length} lines`);
});
