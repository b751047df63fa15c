/** The operator's limits on labels, and those of the worker that stand behind them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../../../src/config/config.ts";
import { parsePolicy } from "../../../src/host/policy/module-policy.ts";
import { createCollector } from "../../support/metrics-aggregate.ts";
import { counter, gauge, histogram, histogramValues, value } from "../../support/raw-families.ts";

const labels = (count: number, text: string): Readonly<Record<string, string>> =>
	Object.fromEntries(Array.from({ length: count }, (_, index) => [`l${index}`.padEnd(200, "_"), text]));

test("all that the default limits allow is kept, also in characters that take most room on the way", async () => {
	for (const text of ["\u0001".repeat(1024), "\\".repeat(1024), "\uffff".repeat(341)]) {
		const { collect, dropped } = createCollector();
		const report = await collect("m", [
			gauge("x", value(1, labels(30, text))),
			counter("y_total", value(1, labels(17, text))),
			histogram("z", histogramValues("z", { labels: labels(30, text) })),
		]);
		assert.deepEqual([report.success, report.series, dropped.size], [true, 6, 0]);
	}
});

test("the largest limits that the configuration takes are ones that a worker can send", async () => {
	const loaded = loadConfig({ MODULE_MAX_LABELS: "128", MODULE_MAX_LABEL_LENGTH: "16384" }, "/");
	assert.ok(loaded.ok);
	for (const more of [{ MODULE_MAX_LABELS: "129" }, { MODULE_MAX_LABEL_LENGTH: "16385" }])
		assert.equal(loadConfig(more, "/").ok, false);
	assert.equal(parsePolicy("defaults: { maxLabels: 128, maxLabelLength: 16384 }").ok, true);
	for (const more of ["maxLabels: 129", "maxLabelLength: 16385"])
		assert.equal(parsePolicy(`defaults: { ${more} }`).ok, false);
	const { moduleMaxLabels: maxLabels, moduleMaxLabelLength: maxLabelLength } = loaded.config;
	const { collect, dropped } = createCollector({ limits: { maxSeries: 100, maxLabels, maxLabelLength } });
	const report = await collect("m", [
		gauge("x", value(1, labels(128, "v")), value(2, { a: "v".repeat(16_384) })),
		histogram("y", histogramValues("y", { labels: labels(128, "v") })),
	]);
	assert.deepEqual([report.success, report.series, dropped.size], [true, 6, 0]);
});

test("labels that are more, longer or longer together than a worker sends are refused by the reason", async () => {
	const { collect, dropped } = createCollector({
		limits: { maxSeries: 100, maxLabels: 128, maxLabelLength: 16_384 },
	});
	await collect("m", [
		gauge(
			"x",
			value(1, labels(129, "v")),
			value(2, labels(200, "v")),
			value(3, { a: "v".repeat(16_385) }),
			value(4, { ["n".repeat(201)]: "v" }),
			value(5, labels(30, "v".repeat(16_384))),
			value(6),
		),
	]);
	assert.deepEqual(
		dropped,
		new Map([
			["m label_limit", 2],
			["m label_too_long", 3],
		]),
	);
});
