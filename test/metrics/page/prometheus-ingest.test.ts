/** What a real Prometheus makes of the page of hostile modules: all of the good series, none of the bad, `up` throughout. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { encodeSnapshot } from "../../../workers/snapshot/encode-snapshot.ts";
import { families } from "../../support/arbitrary-families.ts";
import { withHostileValues } from "../../support/hostile-values.ts";
import { createCollector } from "../../support/metrics-aggregate.ts";
import { SERVED_FORMATS, type ServedFormat, servePages } from "../../support/page-server.ts";
import { startPrometheus, storedSeries } from "../../support/prometheus.ts";
import { counter, value } from "../../support/raw-families.ts";
import { seriesOf } from "../../support/strict-exposition.ts";
import { until } from "../../support/until.ts";

const SEED = 20_261_121;
const FORMATS = ["text", "openmetrics"] as const satisfies readonly ServedFormat[];
const LIMITS = { maxBytes: 1_000_000, maxSamples: 2000 };

test("Prometheus stores exactly what the modules set, in either format, whatever else they showed", async (t) => {
	const collector = createCollector({ limits: { maxSeries: 500, maxLabels: 8, maxLabelLength: 256 } });
	// First, so that nobody else has its name.
	await collector.collect("metrics/edges", [
		counter("edge_total", value(Number.MAX_VALUE, { text: '"\\\n\r\t\u0000' }), value(5e-324, { text: "\\n" })),
	]);
	for (const [index, snapshot] of fc.sample(families, { numRuns: 200, seed: SEED }).entries()) {
		const encoded = encodeSnapshot([withHostileValues(snapshot)], LIMITS);
		if (encoded.ok) await collector.aggregate.accept(`metrics/hostile-${index}`, encoded.bytes, { generation: 1 });
	}

	const target = await servePages(t, [collector.aggregate]);
	const prometheus = await startPrometheus(t, configFor(target));
	await until(async () => (await prometheus.query("up == 1")).length === FORMATS.length, "both are up", 60_000);
	const stored = await storedSeries(prometheus, ["job"]);
	for (const format of FORMATS) {
		const expected = seriesOf(await collector.families(SERVED_FORMATS[format]));
		assert.ok(expected.size > 50, `${expected.size} series`);
		assert.deepEqual(stored.get(format), expected, format);
	}
	assert.deepEqual(await prometheus.query("up == 0"), []);
	assert.deepEqual(await prometheus.query("min_over_time(up[5m]) == 0"), [], "no scrape has failed");
});

function configFor(target: string): string {
	const jobs = FORMATS.map(
		(name) => `  - job_name: ${name}\n    metrics_path: /${name}/0\n    static_configs: [{targets: ["${target}"]}]\n`,
	);
	return `global: {scrape_interval: 10s, scrape_timeout: 10s}\nscrape_configs:\n${jobs.join("")}`;
}
