import assert from "node:assert/strict";
import { test } from "node:test";
import { createCollector } from "../../support/metrics-aggregate.ts";
import {
	counter,
	gauge,
	histogram,
	histogramValues,
	summary,
	summaryValues,
	value,
} from "../../support/raw-families.ts";
import { seriesOf } from "../../support/strict-exposition.ts";

test("counters go on from where the generations before had brought them", async () => {
	const { collect, families } = createCollector();
	const shown = async () => seriesOf(await families()).get('x_total{s="a"}');
	await collect("m", [counter("x_total", value(5, { s: "a" }))], 1);
	await collect("m", [counter("x_total", value(7, { s: "a" }))], 1);
	assert.equal(await shown(), 7);
	await collect("m", [counter("x_total", value(2, { s: "a" }))], 2);
	assert.equal(await shown(), 9);
	await collect("m", [counter("x_total", value(3, { s: "a" }))], 2);
	assert.equal(await shown(), 10);
	await collect("m", [counter("x_total", value(0, { s: "a" }))], 5);
	assert.equal(await shown(), 10);
});

test("a series that a new generation shows only later has lost nothing", async () => {
	const { collect, families } = createCollector();
	await collect("m", [counter("x_total", value(5, { s: "a" }), value(1, { s: "b" }))], 1);
	await collect("m", [counter("x_total", value(1, { s: "b" }))], 2);
	await collect("m", [], 3);
	await collect("m", [counter("x_total", value(1, { s: "a" }))], 4);
	assert.deepEqual(seriesOf(await families()), new Map([['x_total{s="a"}', 6]]));
});

test("gauges do not add up", async () => {
	const { collect, families } = createCollector();
	await collect("m", [gauge("x", value(5))], 1);
	await collect("m", [gauge("x", value(5))], 2);
	assert.equal(seriesOf(await families()).get("x"), 5);
});

test("histograms go on in every bucket, in sum and in count", async () => {
	const { collect, families } = createCollector();
	await collect("m", [histogram("h", histogramValues("h"))], 1);
	await collect(
		"m",
		[
			histogram(
				"h",
				histogramValues("h", {
					buckets: [
						[1, 2],
						["+Inf", 5],
					],
					sum: 10,
					count: 5,
				}),
			),
		],
		2,
	);
	assert.deepEqual(
		seriesOf(await families()),
		new Map([
			['h_bucket{le="1"}', 3],
			['h_bucket{le="+Inf"}', 7],
			["h_sum", 13],
			["h_count", 7],
		]),
	);
});

test("a histogram whose buckets were changed starts afresh", async () => {
	const { collect, families } = createCollector();
	await collect("m", [histogram("h", histogramValues("h"))], 1);
	await collect(
		"m",
		[
			histogram(
				"h",
				histogramValues("h", {
					buckets: [
						[2, 1],
						["+Inf", 2],
					],
				}),
			),
		],
		2,
	);
	assert.equal(seriesOf(await families()).get("h_count"), 2);
});

test("summaries go on in sum and count, and their quantiles are the new generation's", async () => {
	const { collect, families } = createCollector();
	await collect("m", [summary("s", summaryValues("s"))], 1);
	await collect("m", [summary("s", summaryValues("s", { quantiles: [[0.5, 9]], sum: 9, count: 1 }))], 2);
	assert.deepEqual(
		seriesOf(await families()),
		new Map([
			['s{quantile="0.5"}', 9],
			["s_sum", 12],
			["s_count", 3],
		]),
	);
});

test("a metric whose type or labels the new source changed starts afresh", async () => {
	const { collect, families } = createCollector();
	await collect("m", [counter("x_total", value(5)), counter("y_total", value(5, { a: "1" }))], 1);
	await collect("m", [gauge("x_total", value(1)), counter("y_total", value(1, { b: "1" }))], 2);
	await collect("m", [counter("x_total", value(2)), counter("y_total", value(2, { b: "1" }))], 3);
	assert.deepEqual(
		seriesOf(await families()),
		new Map([
			["x_total", 2],
			['y_total{b="1"}', 3],
		]),
	);
});

test("a counter set back within a generation passes as it is, and goes on from there after a restart", async () => {
	const { collect, families, aggregate } = createCollector();
	const shown = async () => seriesOf(await families()).get("x_total");
	await collect("m", [counter("x_total", value(5))], 1);
	await collect("m", [counter("x_total", value(5))], 2);
	assert.equal(await shown(), 10);
	await collect("m", [counter("x_total", value(1))], 2);
	assert.equal(await shown(), 1);
	assert.deepEqual(
		aggregate.report("m")?.warnings.map(({ reason }) => reason),
		["counter_reset"],
	);
	await collect("m", [counter("x_total", value(1))], 3);
	assert.equal(await shown(), 2);
});

test("what is kept is bounded by the module's series limit, however its labels change", async () => {
	const { collect, families } = createCollector({ limits: { maxSeries: 100, maxLabels: 30, maxLabelLength: 1024 } });
	const generation = (number: number) =>
		collect(
			"m",
			[counter("x_total", ...Array.from({ length: 90 }, (_, index) => value(1, { id: number * 1000 + index })))],
			number,
		);
	await generation(1);
	await generation(2);
	await generation(3);
	await generation(1 + 3);
	await collect("m", [counter("x_total", value(1, { id: 1000 }))], 5);
	assert.equal(seriesOf(await families()).get('x_total{id="1000"}'), 1, "forgotten for newer ones");
});

test("a series limit that was raised while the host runs holds for counters too", async () => {
	let maxSeries = 10;
	const { collect, families } = createCollector({
		limitsOf: () => ({ maxSeries, maxLabels: 30, maxLabelLength: 1024 }),
	});
	const generation = (number: number, series: number, amount: number) =>
		collect("m", [counter("x_total", ...Array.from({ length: series }, (_, id) => value(amount, { id })))], number);
	await generation(1, 10, 1);
	maxSeries = 50;
	await generation(1, 50, 5);
	await generation(2, 1, 1);
	await generation(3, 50, 1);
	assert.equal(seriesOf(await families()).get('x_total{id="1"}'), 6);
	assert.equal(seriesOf(await families()).get('x_total{id="0"}'), 7);
});

test("a snapshot that is refused leaves the totals as they were", async () => {
	const { collect, aggregate, families } = createCollector();
	await collect("m", [counter("x_total", value(5))], 1);
	await aggregate.accept("m", Buffer.from('["f","x_total","h","counter"]\n["s",[[[],9]]]\nbroken\n'), {
		generation: 2,
	});
	await collect("m", [counter("x_total", value(1))], 2);
	assert.equal(seriesOf(await families()).get("x_total"), 6);
});

test("a family that mirrors is shown as it is, in every generation", async () => {
	const { collect, families, mirror } = createCollector();
	const shown = async () => seriesOf(await families()).get("x_total");
	await mirror("m", [counter("x_total", value(5))], 1);
	await mirror("m", [counter("x_total", value(6))], 2);
	assert.equal(await shown(), 6);
	// The new generation has not been seen to mirror yet.
	await collect("m", [counter("x_total", value(7))], 3);
	assert.equal(await shown(), 7);
});

test("a family that mirrors no more counts on, once it has been collected long enough without a sign of it", async () => {
	const { collect, families, mirror } = createCollector();
	await mirror("m", [counter("x_total", value(5))], 1);
	for (let collections = 0; collections < 21; collections++) await collect("m", [counter("x_total", value(1))], 2);
	await collect("m", [counter("x_total", value(2))], 3);
	assert.equal(seriesOf(await families()).get("x_total"), 3);
});

test("what the operator or the module says of its counters is stronger than what they look like", async () => {
	const { families, mirror, collect } = createCollector();
	await mirror("m", [counter("x_total", value(5))], 1, "cumulative");
	await mirror("m", [counter("x_total", value(1))], 2, "cumulative");
	await collect("n", [counter("y_total", value(5))], 1, "absolute");
	await collect("n", [counter("y_total", value(6))], 2, "absolute");
	assert.deepEqual(
		[...seriesOf(await families())],
		[
			["x_total", 6],
			["y_total", 6],
		],
	);
});
