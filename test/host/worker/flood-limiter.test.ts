import assert from "node:assert/strict";
import { test } from "node:test";
import { createFloodGauge } from "../../../src/host/worker/flood-limiter.ts";

const LIMITS = { perSecond: 100, burst: 1000, patienceMs: 5000 };

function gaugeAt() {
	const clock = { now: 0 };
	return { clock, gauge: createFloodGauge(LIMITS, () => clock.now) };
}

test("answers cost nothing, however many there are", () => {
	const { gauge } = gaugeAt();
	for (let request = 0; request < 50_000; request += 1) {
		gauge.asked();
		gauge.received(100);
		gauge.received(1 << 20);
	}
	assert.deepEqual(gauge.verdict(), { read: true });
});

test("a burst is read at once, what follows is read slowly, and a quiet time makes up for it", () => {
	const { clock, gauge } = gaugeAt();
	for (let message = 0; message < 999; message += 1) gauge.received(0);
	assert.deepEqual(gauge.verdict(), { read: true });
	for (let message = 0; message < 11; message += 1) gauge.received(0);
	assert.deepEqual(gauge.verdict(), { read: false, waitMs: 150 });
	clock.now += 150;
	assert.deepEqual(gauge.verdict(), { read: true });
	clock.now += 6000;
	assert.deepEqual(gauge.verdict(), { read: true });
	for (let message = 0; message < 620; message += 1) gauge.received(0);
	assert.equal(gauge.verdict() === "flood", false);
});

test("who stays above the rate for longer than the host has patience is a flood", () => {
	const { clock, gauge } = gaugeAt();
	const verdicts: unknown[] = [];
	for (; clock.now <= 6000; clock.now += 100) {
		for (let message = 0; message < 200; message += 1) gauge.received(0);
		verdicts.push(gauge.verdict());
	}
	assert.equal(verdicts.at(-1), "flood");
	assert.notEqual(verdicts[40], "flood");
});

test("long messages count for more", () => {
	const { gauge } = gaugeAt();
	for (let message = 0; message < 4; message += 1) gauge.received(1 << 20);
	assert.notDeepEqual(gauge.verdict(), { read: true });
});
