import assert from "node:assert/strict";
import { test } from "node:test";
import { createSlicer } from "../../src/core/time-slicer.ts";

test("jobs take turns, and each gets its result", async () => {
	const slicer = createSlicer(1);
	const order: string[] = [];
	const results = await Promise.all(["a", "b"].map((name) => slicer.run(job(name, 40, order))));
	assert.deepEqual(results, ["a", "b"]);
	assert.ok(order.lastIndexOf("a") > order.indexOf("b"), "b began before a had ended");
	assert.ok(order.lastIndexOf("b") > order.indexOf("a"));
});

test("the event loop turns between slices, however many jobs wait", async () => {
	const slicer = createSlicer(1);
	let turns = 0;
	let isDone = false;
	const turn = (): void => {
		turns++;
		if (!isDone) setImmediate(turn);
	};
	setImmediate(turn);
	await Promise.all(Array.from({ length: 10 }, () => slicer.run(job("x", 10, []))));
	isDone = true;
	assert.ok(turns >= 10, `${turns} turns for 100 steps of half a millisecond`);
});

test("an urgent job goes before those that wait", async () => {
	const slicer = createSlicer(1);
	const order: string[] = [];
	const slow = ["a", "b", "c", "d"].map((name) => slicer.run(job(name, 20, order)));
	await slicer.run(job("urgent", 8, order), { urgent: true });
	assert.ok(!order.includes("b"), "at most the rest of its last slice went to the next one");
	await Promise.all(slow);
});

test("an urgent job has its first slice at once", async () => {
	const slicer = createSlicer(5);
	const order: string[] = [];
	const slow = slicer.run(job("slow", 4, order));
	const urgent = slicer.run(job("urgent", 2, order), { urgent: true });
	const second = slicer.run(job("second", 2, order), { urgent: true });
	assert.deepEqual(order, ["urgent", "urgent"], "before any turn of the event loop, and one job alone");
	assert.deepEqual(await Promise.all([slow, urgent, second]), ["slow", "urgent", "second"]);
	assert.ok(order.indexOf("second") < order.indexOf("slow"));
});

test("a job that throws fails alone", async () => {
	const slicer = createSlicer(1);
	const other = slicer.run(job("other", 5, []));
	await assert.rejects(
		slicer.run(
			(function* (): Generator<undefined, void> {
				yield;
				throw new Error("broken");
			})(),
		),
		/broken/,
	);
	assert.equal(await other, "other");
});

/** Steps of half a millisecond each. */
function* job(name: string, steps: number, order: string[]): Generator<undefined, string> {
	for (let step = 0; step < steps; step++) {
		order.push(name);
		const end = performance.now() + 0.5;
		while (performance.now() < end);
		yield;
	}
	return name;
}
