import assert from "node:assert/strict";
import { test } from "node:test";
import type { BulkheadError } from "../../../src/core/errors.ts";
import { createCallQueue } from "../../../src/mcp/calls/call-queue.ts";

const FOREVER_MS = 60_000;
const signal = new AbortController().signal;

test("so many run, so many wait, and the next is refused at once with what to do", async () => {
	const queue = createCallQueue({ moduleId: "mcps/a", limits: () => ({ concurrency: 2, capacity: 1 }) });
	assert.equal(queue.enter(), true);
	assert.equal(queue.enter(), true);
	assert.equal(queue.enter(), false);
	const waiting = queue.wait("x", FOREVER_MS, signal);
	await assert.rejects(queue.wait("y", FOREVER_MS, signal), (error: BulkheadError) => {
		assert.equal(error.code, "MODULE_BUSY");
		assert.match(
			error.message,
			/mcps\/a is busy: 2 calls run and 1 wait \(CALL_CONCURRENCY and CALL_QUEUE, or .* in plugins\.yaml\); try again/,
		);
		return true;
	});
	queue.leave();
	await waiting;
	assert.equal(queue.running(), 2);
	assert.equal(queue.enter(), false, "the place went to the one that waited");
	queue.leave();
	queue.leave();
	assert.equal(queue.enter(), true);
});

test("clients take turns, whatever the number of calls that each has waiting", async () => {
	const queue = createCallQueue({ moduleId: "mcps/a", limits: () => ({ concurrency: 1, capacity: 100 }) });
	queue.enter();
	const served: string[] = [];
	const calls = ["greedy", "greedy", "greedy", "greedy", "modest", "other"].map(async (client) => {
		await queue.wait(client, FOREVER_MS, signal);
		served.push(client);
		queue.leave();
	});
	queue.leave();
	await Promise.all(calls);
	assert.deepEqual(served, ["greedy", "modest", "other", "greedy", "greedy", "greedy"]);
	assert.equal(queue.waiting(), 0);
});

test("one that is cancelled or too late leaves the line without taking a place", async () => {
	const queue = createCallQueue({ moduleId: "mcps/a", limits: () => ({ concurrency: 1, capacity: 2 }) });
	queue.enter();
	const cancelling = new AbortController();
	const cancelled = queue.wait("x", FOREVER_MS, cancelling.signal);
	const late = queue.wait("x", 1, signal);
	cancelling.abort();
	await assert.rejects(cancelled, { code: "CALL_CANCELLED" });
	await assert.rejects(late, { code: "CALL_TIMEOUT" });
	await assert.rejects(queue.wait("x", FOREVER_MS, cancelling.signal), { code: "CALL_CANCELLED" });
	assert.equal(queue.waiting(), 0);
	queue.leave();
	assert.equal(queue.enter(), true);
});

test("limits that change hold at once, and whoever waits gets the places that there are more of", async () => {
	let limits = { concurrency: 1, capacity: 3 };
	const queue = createCallQueue({ moduleId: "mcps/a", limits: () => limits });
	queue.enter();
	const waiting = [1, 2, 3].map(() => queue.wait("x", FOREVER_MS, signal));
	limits = { concurrency: 3, capacity: 0 };
	queue.leave();
	await Promise.all(waiting);
	assert.equal(queue.running(), 3);
	assert.equal(queue.enter(), false);
	await assert.rejects(queue.wait("x", FOREVER_MS, signal), { code: "MODULE_BUSY" });
});
