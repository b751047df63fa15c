import assert from "node:assert/strict";
import { test } from "node:test";
import type { ScheduleClock } from "../../src/metrics/collect-schedule.ts";
import { createCollectSchedule, untilNext } from "../../src/metrics/collect-schedule.ts";

test("a module is collected at once, and then once every interval, with its deadline", async () => {
	const { schedule, clock, calls } = createSchedule();
	schedule.add("m", 1000, 700);
	assert.deepEqual(calls, ["m 700"]);
	await clock.advance(10_000);
	assert.equal(calls.length, 11);
	await schedule.stop();
});

test("turns lie at the module's own phase, the same after a restart, and spread over the interval", () => {
	assert.equal(due("metrics/a", 0), due("metrics/a", 123_456_789.5));
	const phases = Array.from({ length: 200 }, (_, index) => due(`metrics/module-${index}`, 0));
	const tenths = new Set(phases.map((phase) => Math.floor(phase / 1500)));
	assert.equal(tenths.size, 10);
	for (const phase of phases) assert.ok(phase >= 0 && phase < 15_000);
	for (let now = 0; now < 40_000; now += 777)
		assert.ok(untilNext("m", 15_000, now) > 0 && untilNext("m", 15_000, now) <= 15_000);
});

test("a module is never collected twice at a time", async () => {
	const { schedule, clock, calls, release } = createSchedule({ isHeld: true });
	schedule.add("m", 1000, 700);
	await clock.advance(5000);
	assert.equal(calls.length, 1);
	const joined = schedule.runNow("m");
	assert.equal(calls.length, 1);
	release();
	await joined;
	await clock.advance(1000);
	assert.equal(calls.length, 2);
	release();
	await schedule.stop();
});

test("a collection that fails or hangs touches neither the next one nor other modules", async () => {
	const clock = createClock();
	const calls: string[] = [];
	const schedule = createCollectSchedule({
		clock,
		async collect(moduleId) {
			calls.push(moduleId);
			if (moduleId === "bad") throw new Error("no");
			if (moduleId === "hung") await new Promise(() => {});
		},
	});
	for (const id of ["bad", "hung", "good"]) schedule.add(id, 1000, 700);
	await clock.advance(3000);
	assert.deepEqual(
		["bad", "hung", "good"].map((id) => calls.filter((call) => call === id).length),
		[4, 1, 4],
	);
});

test("runNow collects beside the schedule, and does nothing for a module that is not there", async () => {
	const { schedule, calls } = createSchedule();
	schedule.add("m", 1000, 700);
	await schedule.runNow("m");
	await schedule.runNow("m");
	await schedule.runNow("nobody");
	assert.equal(calls.length, 2, "the first one joined the collection at the start");
	await schedule.stop();
});

test("a module that is removed or added again is collected by its last times only", async () => {
	const { schedule, clock, calls } = createSchedule();
	schedule.add("m", 1000, 700);
	schedule.add("m", 5000, 100);
	await clock.advance(10_000);
	assert.deepEqual(calls, ["m 700", "m 100", "m 100"]);
	schedule.remove("m");
	await clock.advance(10_000);
	assert.equal(calls.length, 3);
	assert.equal(clock.pending(), 0);
});

test("stop waits for what is under way, starts nothing more, and may be called twice", async () => {
	const { schedule, clock, calls, release } = createSchedule({ isHeld: true });
	schedule.add("m", 1000, 700);
	let isStopped = false;
	const stopped = schedule.stop().then(() => {
		isStopped = true;
	});
	await clock.advance(5000);
	assert.equal(isStopped, false);
	release();
	await stopped;
	await schedule.stop();
	schedule.add("n", 1000, 700);
	await clock.advance(5000);
	assert.deepEqual(calls, ["m 700"]);
	assert.equal(clock.pending(), 0);
});

test("on the machine's clock it collects again by itself", async () => {
	let left = 3;
	await new Promise<void>((resolve) => {
		const schedule = createCollectSchedule({
			async collect() {
				left--;
				if (left > 0) return;
				void schedule.stop();
				resolve();
			},
		});
		schedule.add("m", 5, 5);
	});
	assert.equal(left, 0);
});

function due(id: string, now: number): number {
	return (now + untilNext(id, 15_000, now)) % 15_000;
}

function createSchedule({ isHeld = false } = {}) {
	const clock = createClock();
	const calls: string[] = [];
	let release: (() => void) | undefined;
	const schedule = createCollectSchedule({
		clock,
		async collect(moduleId, deadlineMs) {
			calls.push(`${moduleId} ${deadlineMs}`);
			if (isHeld) await new Promise<void>((resolve) => (release = resolve));
		},
	});
	return { schedule, clock, calls, release: () => release?.() };
}

/** Time that passes only when a test says so. */
function createClock(): ScheduleClock & { advance(ms: number): Promise<void>; pending(): number } {
	const timers = new Map<() => void, number>();
	let time = 1_700_000_000_000;
	return {
		now: () => time,
		after(delayMs, callback) {
			timers.set(callback, time + delayMs);
			return () => timers.delete(callback);
		},
		async advance(ms) {
			const end = time + ms;
			for (;;) {
				// What was started before settles before time goes on.
				await new Promise((resolve) => setImmediate(resolve));
				const [next] = [...timers].toSorted(([, one], [, other]) => one - other);
				if (next === undefined || next[1] > end) break;
				const [callback, dueAt] = next;
				timers.delete(callback);
				time = dueAt;
				callback();
			}
			time = end;
		},
		pending: () => timers.size,
	};
}
