import assert from "node:assert/strict";
import { test } from "node:test";
import { createLoopUtilization } from "../../../src/host/watch/event-loop-utilization.ts";

test("the share of time that was not idle counts half as much after five seconds", () => {
	const utilization = createLoopUtilization();
	let idleMs = 0;
	const pass = (ms: number, idleShare: number): void => {
		for (let passed = 0; passed < ms; passed += 100) {
			idleMs += 100 * idleShare;
			assert.ok(Math.abs(utilization.look(idleMs, 100) - 100 * (1 - idleShare)) < 1e-6);
		}
	};
	pass(5000, 0);
	assert.equal(utilization.ratio(), 0.5);
	pass(5000, 1);
	assert.equal(utilization.ratio(), 0.25);
	pass(120_000, 0.75);
	assert.equal(utilization.ratio(), 0.25);
	pass(120_000, 1);
	assert.equal(utilization.ratio(), 0, "it settles");
});

test("looks that come early and late make nobody busy", () => {
	const utilization = createLoopUtilization();
	let idleMs = 0;
	// The worker tells of its idle time every 100 ms; main looks after 70 and 130 ms by turns.
	for (let turn = 0; turn < 1000; turn++) utilization.look((idleMs += 100), turn % 2 === 0 ? 70 : 130);
	assert.ok(utilization.ratio() < 0.001, String(utilization.ratio()));
});

test("a worker that idles longer than it was looked at, or not at all, stays between 0 and 1", () => {
	const utilization = createLoopUtilization();
	assert.equal(utilization.look(500, 100), 0);
	assert.equal(utilization.look(100, 100), 100, "as one that was counted anew");
	assert.equal(utilization.look(100, 0), 0);
	assert.ok(utilization.ratio() > 0 && utilization.ratio() < 1);
});
