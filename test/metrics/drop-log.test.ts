import assert from "node:assert/strict";
import { test } from "node:test";
import { createDropLog } from "../../src/metrics/drop-log.ts";

test("counts are the collection's, examples are the module's", () => {
	const log = createDropLog();
	log.begin(1).drop("invalid_value", "x", 'x{a="1"}', 3);
	const second = log.begin(2);
	second.drop("invalid_value", "x", 'x{a="2"}');
	second.warn("help_conflict", "x", "");
	assert.deepEqual([...log.counts()], [["invalid_value", 1]]);
	assert.deepEqual(log.drops(), [
		{ reason: "invalid_value", family: "x", series: 'x{a="1"}', count: 4, firstSeenAt: 1, lastSeenAt: 2 },
	]);
	assert.deepEqual(
		log.warnings().map(({ reason }) => reason),
		["help_conflict"],
	);
});

test("news is what a collection was the first to show", () => {
	const log = createDropLog();
	log.begin(1).drop("invalid_value", "x", "");
	assert.equal(log.news().length, 1);
	const second = log.begin(2);
	second.drop("invalid_value", "x", "");
	second.drop("invalid_type", "x", "");
	assert.deepEqual(
		log.news().map(({ reason }) => reason),
		["invalid_type"],
	);
});

test("names and series of any length, well formed or not, are cut to what can be shown", () => {
	const log = createDropLog();
	log.begin(1).drop("invalid_metric_name", `${"x".repeat(199)}\u{1f600}`, "\ud800".repeat(300));
	const [drop] = log.drops();
	assert.equal(drop?.family, `${"x".repeat(199)}\ufffd`);
	assert.equal(drop?.series, "\ufffd".repeat(200));
});

test("however many families lose something, what is remembered is bounded, and the oldest goes first", () => {
	const log = createDropLog();
	const first = log.begin(1);
	for (let index = 0; index < 250; index++) first.drop("invalid_type", `family_${index}`, "");
	assert.equal(log.news().length, 100);
	assert.equal(log.drops().length, 10);
	assert.equal(log.drops()[0]?.family, "family_249");
	const second = log.begin(2);
	second.drop("invalid_type", "family_0", "");
	second.drop("invalid_type", "family_249", "");
	assert.deepEqual(
		log.news().map(({ family }) => family),
		["family_0"],
	);
});
