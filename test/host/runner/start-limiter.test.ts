import assert from "node:assert/strict";
import { test } from "node:test";
import { createStartGate } from "../../../src/host/runner/start-limiter.ts";

test("so many starts at a time, in the order of arrival; one that takes long makes room for the next", async (t) => {
	t.mock.timers.enable({ apis: ["setTimeout"] });
	const gate = createStartGate(2, 500);
	const entered: string[] = [];
	const enter = async (name: string): Promise<() => void> => {
		const leave = await gate.enter();
		entered.push(name);
		return leave;
	};
	const [a, , c] = ["a", "b", "c", "d", "e"].map(enter);
	const leaveA = await a;
	await turn();
	assert.deepEqual(entered, ["a", "b"]);
	leaveA?.();
	leaveA?.();
	await turn();
	assert.deepEqual(entered, ["a", "b", "c"], "who leaves twice makes room once");
	(await c)?.();
	await turn();
	assert.deepEqual(entered, ["a", "b", "c", "d"]);
	t.mock.timers.tick(499);
	await turn();
	assert.deepEqual(entered, ["a", "b", "c", "d"]);
	t.mock.timers.tick(1);
	await turn();
	assert.deepEqual(entered, ["a", "b", "c", "d", "e"]);
});

/** All that waits for a promise has gone on. */
function turn(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve));
}
