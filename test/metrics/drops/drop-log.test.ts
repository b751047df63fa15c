import assert from "node:assert/strict";
import { test } from "node:test";
import { createDropLog } from "../../../src/metrics/drops/drop-log.ts";
import { newsLine } from "../../../src/metrics/drops/log-lines.ts";

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
	assert.deepEqual(log.news(), [{ kind: "dropped", reason: "invalid_type", family: "x", series: "" }]);
});

test("a collection that brought nothing is counted and shown, and no news: there is more to say of it elsewhere", () => {
	const log = createDropLog();
	log.begin(1);
	log.fail("collect_error");
	assert.deepEqual([...log.counts()], [["collect_error", 1]]);
	assert.deepEqual(log.drops(), [
		{ reason: "collect_error", family: "", series: "", count: 1, firstSeenAt: 1, lastSeenAt: 1 },
	]);
	assert.deepEqual(log.news(), []);
});

test("names and series of any length, well formed or not, are cut to what can be shown", () => {
	const log = createDropLog();
	log.begin(1).drop("invalid_metric_name", `${"x".repeat(199)}\u{1f600}`, "\ud800".repeat(300));
	const [drop] = log.drops();
	assert.equal(drop?.family, `${"x".repeat(199)}\ufffd`);
	assert.equal(drop?.series, "\ufffd".repeat(200));
});

test("what every collection loses is told once, and its examples go on counting, however many families it is", () => {
	const log = createDropLog();
	for (let at = 1; at <= 3; at++) {
		const sink = log.begin(at);
		for (let index = 0; index < 150; index++) sink.drop("invalid_type", `family_${index}`, "");
		assert.equal(log.news().length, at === 1 ? 150 : 0);
	}
	const shown = log.drops();
	assert.equal(shown.length, 10);
	for (const { count, firstSeenAt, lastSeenAt } of shown) assert.deepEqual([count, firstSeenAt, lastSeenAt], [3, 1, 3]);
});

test("an example that is not seen any more gives way to one that is", () => {
	const log = createDropLog();
	const first = log.begin(1);
	for (let index = 0; index < 250; index++) first.drop("invalid_type", `family_${index}`, "");
	log.begin(2).drop("invalid_type", "family_0", "");
	log.begin(3).drop("invalid_type", "another", "");
	assert.deepEqual(
		log.drops().map(({ family }) => family),
		["another", "family_0", ...Array.from({ length: 8 }, (_, index) => `family_${99 - index}`)],
	);
});

test("a module that is bad in new ways without end is told once to be so, until a collection loses nothing", () => {
	const log = createDropLog();
	const lose = (at: number, prefix: string): readonly string[] => {
		const sink = log.begin(at);
		for (let index = 0; index < 500; index++) sink.drop("invalid_type", `${prefix}_${index}`, "");
		return log.news().map(({ kind }) => kind);
	};
	assert.deepEqual(lose(1, "a"), [...Array.from({ length: 200 }, () => "dropped"), "muted"]);
	assert.deepEqual(lose(2, "b"), []);
	log.begin(3);
	assert.equal(lose(4, "a").length, 201);
});

test("a line of log says what was lost, and of a warning that nothing was", () => {
	const log = createDropLog();
	const sink = log.begin(1);
	sink.drop("invalid_type", "x", "");
	sink.drop("invalid_payload", "", "");
	sink.drop("payload_too_large", "", "the last 3 families");
	sink.warn("counter_reset", "x_total", "x_total");
	assert.deepEqual(
		[...log.news(), { kind: "muted" } as const].map((news) => newsLine("metrics/m", news)),
		[
			{ level: "warn", message: "metrics/m: dropped from x: invalid_type" },
			{ level: "warn", message: "metrics/m: dropped from its snapshot: invalid_payload" },
			{ level: "warn", message: "metrics/m: dropped the last 3 families: payload_too_large" },
			{ level: "info", message: "metrics/m: x_total is kept, with a warning: counter_reset" },
			{
				level: "warn",
				message: "metrics/m: and more; no further drop or warning is logged until a collection has none",
			},
		],
	);
});
