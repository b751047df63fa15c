/** What a real Prometheus makes of the page of hostile modules: all of the good series, none of the bad, `up` throughout. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import * as fc from "fast-check";
import { encodeSnapshot } from "../../workers/snapshot.ts";
import { families } from "../support/arbitrary-families.ts";
import { withHostileValues } from "../support/hostile-values.ts";
import type { Collector } from "../support/metrics-aggregate.ts";
import { counter, createCollector, gauge, OPENMETRICS, value } from "../support/metrics-aggregate.ts";
import { startPrometheus } from "../support/prometheus.ts";
import { seriesKey, seriesOf } from "../support/strict-exposition.ts";
import { until } from "../support/until.ts";

const SEED = 20_261_121;
const LIMITS = { maxBytes: 1_000_000, maxSamples: 2000 };

test("Prometheus stores exactly what the modules set, in either format, whatever else they showed", async (t) => {
	const collector = createCollector({ limits: { maxSeries: 500, maxLabels: 8, maxLabelLength: 256 } });
	// Labels from all of Unicode first, so that nobody else has their names.
	const unicode = fc.string({ unit: "binary", minLength: 1, maxLength: 12 });
	const texts = [...new Set(fc.sample(unicode, { numRuns: 400, seed: SEED }))];
	const wellFormed = texts.filter((text) => text.isWellFormed());
	await collector.collect("metrics/unicode", [
		gauge("unicode", ...texts.map((text, index) => value(index, { text }))),
		counter("edge_total", value(Number.MAX_VALUE, { text: '"\\\n\r\t\u0000' }), value(5e-324, { text: "\\n" })),
	]);
	for (const [index, snapshot] of fc.sample(families, { numRuns: 200, seed: SEED }).entries()) {
		const encoded = encodeSnapshot([withHostileValues(snapshot)], LIMITS);
		if (encoded.ok) await collector.aggregate.accept(`metrics/hostile-${index}`, encoded.bytes, { generation: 1 });
	}

	const target = await serve(t, collector);
	const prometheus = await startPrometheus(t, configFor(target));
	await until(async () => (await prometheus.query("up == 1")).length === 2, "both jobs are up", 30_000);
	for (const [job, accept] of [
		["text", undefined],
		["openmetrics", OPENMETRICS],
	] as const) {
		const expected = seriesOf(await collector.families(accept));
		const stored = new Map<string, number>();
		for (const {
			metric,
			value: [, text],
		} of await prometheus.query(`{job="${job}", __name__!~"up|scrape_.*"}`)) {
			const { __name__: name = "", instance: _, job: __, ...labels } = metric;
			stored.set(seriesKey({ name, labels: new Map(Object.entries(labels)) }), Number(text.replace("Inf", "Infinity")));
		}
		assert.deepEqual(stored, expected, job);
		assert.equal([...stored.keys()].filter((key) => key.startsWith("unicode{")).length, wellFormed.length);
	}
	assert.deepEqual(await prometheus.query("up == 0"), []);
	assert.deepEqual(await prometheus.query("min_over_time(up[5m]) == 0"), [], "no scrape has failed");
});

/** The path says the format, since this Prometheus always asks for OpenMetrics. */
async function serve(t: TestContext, { aggregate }: Collector): Promise<string> {
	const server = createServer((request, response) => {
		const accept = request.url === "/text" ? undefined : request.headers.accept;
		void aggregate.page({ accept, acceptEncoding: request.headers["accept-encoding"] }).then((page) => {
			response.writeHead(200, page?.headers);
			for (const part of page?.body ?? []) response.write(part);
			response.end();
		});
	}).listen(0, "127.0.0.1");
	t.after(() => server.close());
	await once(server, "listening");
	return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function configFor(target: string): string {
	const jobs = ["text", "openmetrics"].map(
		(name) => `  - job_name: ${name}\n    metrics_path: /${name}\n    static_configs: [{targets: ["${target}"]}]\n`,
	);
	return `global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n${jobs.join("")}`;
}
