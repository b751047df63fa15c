import assert from "node:assert/strict";
import { test } from "node:test";
import { newsFields, newsLine } from "../../../src/metrics/drops/log-lines.ts";
import type { CollectError } from "../../../src/metrics/drops/report.ts";
import { createFailureNews, type FailureNews } from "../../../src/metrics/drops/failure-log.ts";
import { createCollector } from "../../support/metrics-aggregate.ts";
import { gauge, value } from "../../support/raw-families.ts";

const BROKEN: CollectError = { code: "collect_error", message: "it is broken" };
const LATE: CollectError = { code: "collect_timeout", message: "it is late" };
const TOLD_BROKEN: FailureNews = { kind: "failed", code: "collect_error", message: "it is broken", partial: false };
const TOLD_LATE: FailureNews = { kind: "failed", code: "collect_timeout", message: "it is late", partial: false };

/** What is told of collections that end like this, one after the other. */
function toldOf(outcomes: readonly (CollectError | undefined)[]): readonly FailureNews[] {
	const news = createFailureNews();
	return outcomes.flatMap((outcome) => news.next(outcome) ?? []);
}

test("a module that fails is told of when it begins to, when the error is another one, and when it is over", () => {
	assert.deepEqual(toldOf([undefined, BROKEN, BROKEN, BROKEN, LATE, LATE, undefined, undefined]), [
		TOLD_BROKEN,
		TOLD_LATE,
		{ kind: "recovered", failures: 5 },
	]);
});

test("errors that come by turns are told once each", () => {
	assert.deepEqual(toldOf([BROKEN, LATE, BROKEN, LATE]), [TOLD_BROKEN, TOLD_LATE]);
});

test("the same error is news again once the module has recovered", () => {
	assert.deepEqual(toldOf([BROKEN, undefined, BROKEN]), [TOLD_BROKEN, { kind: "recovered", failures: 1 }, TOLD_BROKEN]);
});

test("errors are told apart by their code and first line, of which no more is told than can be read", () => {
	const first = `\ud800${"x".repeat(600)}`;
	const told = toldOf([
		{ code: "collect_error", message: `${first}\n    at one.ts:1` },
		{ code: "collect_error", message: `${first}\n    at other.ts:2` },
	]);
	assert.deepEqual(told, [
		{ kind: "failed", code: "collect_error", message: `\ufffd${"x".repeat(499)}`, partial: false },
	]);
});

test("a module with another error each time is told of eleven times, until it has recovered", () => {
	const numbered = Array.from(
		{ length: 500 },
		(_, index): CollectError => ({ code: "collect_error", message: `error ${index}` }),
	);
	assert.deepEqual(
		toldOf([...numbered, undefined, BROKEN]).map(({ kind }) => kind),
		[...Array.from({ length: 10 }, () => "failed"), "failures_muted", "recovered", "failed"],
	);
});

test("a module that fails every second time is told of three times", () => {
	assert.deepEqual(toldOf(Array.from({ length: 1000 }, (_, index) => (index % 2 === 0 ? BROKEN : undefined))), [
		TOLD_BROKEN,
		{ kind: "recovered", failures: 1 },
		TOLD_BROKEN,
	]);
});

test("a module that fails now and then is told of ever more seldom, and at once again after a long good time", () => {
	const spell = [BROKEN, ...Array.from({ length: 9 }, () => undefined)];
	// 1, 2, 4 and 8 good collections in a row are told to be a recovery; 16 do not come.
	assert.equal(toldOf(Array.from({ length: 100 }, () => spell).flat()).length, 4 * 2 + 1);
	const goodTime = Array.from({ length: 200 }, () => undefined);
	const told = toldOf([...spell, ...spell, ...spell, ...goodTime, BROKEN, undefined]);
	assert.deepEqual(told.slice(6), [TOLD_BROKEN, { kind: "recovered", failures: 1 }]);
});

test("the log has a line for each, with the code beside it", () => {
	const lineOf = (news: FailureNews) => newsLine("metrics/m", news);
	assert.deepEqual(lineOf(TOLD_LATE), { level: "warn", message: "metrics/m: nothing was collected: it is late" });
	assert.deepEqual(newsFields(TOLD_LATE), { code: "collect_timeout" });
	assert.deepEqual(lineOf({ kind: "failures_muted" }), {
		level: "warn",
		message:
			"metrics/m: nothing was collected, with ever other errors; no further one is logged until it is collected again",
	});
	assert.deepEqual(lineOf({ kind: "recovered", failures: 1 }), {
		level: "info",
		message: "metrics/m: is collected again; 1 collection has failed",
	});
	assert.deepEqual(lineOf({ kind: "recovered", failures: 2 }), {
		level: "info",
		message: "metrics/m: is collected again; 2 collections have failed",
	});
});

test("snapshots that are refused and collections without one are told alike, and each is counted", async () => {
	const collector = createCollector();
	await collector.collect("m", [gauge("x", value(1))]);
	for (let round = 0; round < 3; round++) await collector.aggregate.fail("m", "collect_timeout", "it is late");
	for (let round = 0; round < 3; round++) {
		await collector.aggregate.accept("m", Buffer.from("no lines of JSON"), { generation: 1 });
	}
	await collector.collect("m", [gauge("x", value(1))]);
	assert.deepEqual(
		collector.news.map(({ message }) => message),
		[
			"m: nothing was collected: it is late",
			"m: nothing was collected: the snapshot was refused: it is not lines of JSON as the worker writes them",
			"m: is collected again; 6 collections have failed",
		],
	);
	assert.deepEqual(
		new Map(collector.dropped),
		new Map([
			["m collect_timeout", 3],
			["m invalid_payload", 3],
		]),
	);
});
