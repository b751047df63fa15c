/**
 * Label values from all of Unicode, set with a client library in a real worker: what a real Prometheus stores of each
 * format is what was set. `FUZZ_SEED` says which mixtures.
 */
import assert from "node:assert/strict";
import { cpSync, mkdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { createCollector } from "../support/metrics-aggregate.ts";
import { startModuleHost } from "../support/module-host.ts";
import { createModuleProject } from "../support/module-project.ts";
import { SERVED_FORMATS, servePages } from "../support/page-server.ts";
import { startPrometheus, storedSeries } from "../support/prometheus.ts";
import { seriesKey, seriesOf } from "../support/strict-exposition.ts";
import { createRandom } from "../support/seeded-random.ts";
import { everyCodePoint, mixedTexts } from "../support/unicode-texts.ts";
import { until } from "../support/until.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);
const MIXED_TEXTS = 3000;

test("what Prometheus stores of a label value is what the module set, whatever it is, in every format", async (t) => {
	t.diagnostic(`FUZZ_SEED=${SEED}`);
	const project = createModuleProject(t);
	mkdirSync(project.folders.mcps);
	project.write("metrics/unicode.ts", MODULE);
	for (const name of ["unicode-texts.ts", "seeded-random.ts"]) {
		cpSync(path.join(import.meta.dirname, "../support", name), project.path(`metrics/_${name}`));
	}
	const host = await startModuleHost(t, project);
	const { generation, snapshot } = await host.collect("metrics/unicode", 30_000);
	assert.ok(snapshot !== undefined);
	const collector = createCollector();
	await collector.aggregate.accept("metrics/unicode", snapshot, { generation });

	const mixed = mixedTexts(MIXED_TEXTS, createRandom(SEED));
	const wellFormed = mixed.filter((text) => text.isWellFormed());
	const set = new Map([...entriesOf("code_points", everyCodePoint()), ...entriesOf("mixed", mixed)]);
	for (const text of mixed) if (!text.isWellFormed()) set.delete(keyOf("mixed", text));
	const lost = mixed.length - wellFormed.length;
	assert.ok(lost > 100 && wellFormed.length > 1000, `${lost} texts of ${mixed.length} have lone surrogates`);
	assert.deepEqual(new Map(collector.dropped), new Map([["metrics/unicode invalid_label_value", lost]]));

	for (const accept of Object.values(SERVED_FORMATS)) {
		assert.deepEqual(seriesOf(await collector.families(accept)), set, accept ?? "text 0.0.4");
	}
	const target = await servePages(t, [collector.aggregate]);
	const formats = Object.keys(SERVED_FORMATS);
	const prometheus = await startPrometheus(t, configFor(target, formats));
	await until(
		async () => (await prometheus.query("up == 1")).length === formats.length,
		"every format has been scraped",
		60_000,
	);
	const stored = await storedSeries(prometheus, ["job"]);
	for (const format of formats) assert.deepEqual(stored.get(format), set, format);
	assert.deepEqual(await prometheus.query("min_over_time(up[5m]) == 0"), [], "no scrape has failed");
});

const MODULE = `
	import { Gauge } from "prom-client";
	import { createRandom } from "./_seeded-random.ts";
	import { everyCodePoint, mixedTexts } from "./_unicode-texts.ts";
	export function process() {}
	for (const [name, texts] of [["code_points", everyCodePoint()], ["mixed", mixedTexts(${MIXED_TEXTS}, createRandom(${SEED}))]]) {
		const gauge = new Gauge({ name, help: "A gauge.", labelNames: ["text"] });
		texts.forEach((text, index) => gauge.set({ text }, index));
	}
`;

function entriesOf(name: string, texts: readonly string[]): readonly (readonly [series: string, value: number])[] {
	return texts.map((text, index) => [keyOf(name, text), index] as const);
}

function keyOf(name: string, text: string): string {
	return seriesKey({ name, labels: new Map([["text", text]]) });
}

function configFor(target: string, formats: readonly string[]): string {
	const jobs = formats.map(
		(format) => `{job_name: ${format}, metrics_path: /${format}/0, static_configs: [{targets: ["${target}"]}]}`,
	);
	return `global: {scrape_interval: 10s, scrape_timeout: 10s}\nscrape_configs: [${jobs.join(", ")}]`;
}
