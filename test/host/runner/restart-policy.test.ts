import assert from "node:assert/strict";
import { test } from "node:test";
import { planRestart, QUARANTINE_AFTER, STABLE_RUN_MS } from "../../../src/host/runner/restart-policy.ts";

const LATEST = () => 0.999_999;
const EARLIEST = () => 0;

test("the first failure is retried at once, later ones after exponential backoff with full jitter", () => {
	assert.deepEqual(planRestart(0, 10, LATEST), { failures: 1, delayMs: 0, quarantined: false });
	assert.deepEqual(
		[1, 2, 3, 4].map((failures) => planRestart(failures, 10, LATEST).delayMs),
		[400, 800, 1600, 3200],
	);
	assert.deepEqual(
		[1, 2, 3, 4].map((failures) => planRestart(failures, 10, EARLIEST).delayMs),
		[0, 0, 0, 0],
	);
});

test("a stable run wipes out the failures before it", () => {
	assert.deepEqual(planRestart(40, STABLE_RUN_MS, LATEST), { failures: 1, delayMs: 0, quarantined: false });
	assert.equal(planRestart(40, STABLE_RUN_MS - 1, LATEST).quarantined, true);
});

test("a crash loop is quarantined, never given up, and never retried in a hurry", () => {
	const plans = Array.from({ length: 100 }, (_, index) => planRestart(QUARANTINE_AFTER - 1 + index, 0, EARLIEST));
	assert.ok(plans.every(({ quarantined, delayMs }) => quarantined && delayMs >= 30_000 && delayMs <= 300_000));
	assert.equal(planRestart(QUARANTINE_AFTER - 1, 0, LATEST).delayMs, 60_000);
	assert.equal(planRestart(1000, 0, LATEST).delayMs, 300_000);
});
