/** The page byte by byte, as it is pinned for scrapers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createCollector, OPENMETRICS, OPENMETRICS_UTF8, TEXT_UTF8 } from "../../support/metrics-aggregate.ts";
import {
	counter,
	gauge,
	histogram,
	histogramValues,
	summary,
	summaryValues,
	value,
} from "../../support/raw-families.ts";

const FAMILIES = [
	counter("jobs_total", value(3, { queue: "a" })),
	counter("cpu_seconds_total", value(1.5)),
	gauge("size_bytes", value(1e21), value(-0, { z: "1", a: "2" })),
	{ ...gauge("plain", value(1)), help: "" },
	{ ...gauge("untold", value(1)), type: "untyped" },
	histogram(
		"wait_seconds",
		histogramValues("wait_seconds", {
			labels: { kind: "b" },
			buckets: [
				[0.5, 1],
				[2, 1],
				["+Inf", 2],
			],
		}),
	),
	summary(
		"age_seconds",
		summaryValues("age_seconds", {
			quantiles: [
				[0.5, 1],
				[1, 2],
			],
		}),
	),
	gauge("http.queue", value(7), value(8, { a: "1" })),
];

test("text 0.0.4", async () => {
	assert.equal(
		await pageIn(undefined),
		`# HELP jobs_total A counter.
# TYPE jobs_total counter
jobs_total{queue="a"} 3
# HELP cpu_seconds_total A counter.
# TYPE cpu_seconds_total counter
cpu_seconds_total 1.5
# HELP size_bytes A gauge.
# TYPE size_bytes gauge
size_bytes 1e+21
size_bytes{a="2",z="1"} 0
# TYPE plain gauge
plain 1
# HELP untold A gauge.
# TYPE untold untyped
untold 1
# HELP wait_seconds A histogram.
# TYPE wait_seconds histogram
wait_seconds_bucket{kind="b",le="0.5"} 1
wait_seconds_bucket{kind="b",le="2"} 1
wait_seconds_bucket{kind="b",le="+Inf"} 2
wait_seconds_sum{kind="b"} 3
wait_seconds_count{kind="b"} 2
# HELP age_seconds A summary.
# TYPE age_seconds summary
age_seconds{quantile="0.5"} 1
age_seconds{quantile="1"} 2
age_seconds_sum 3
age_seconds_count 2
# HELP http_queue A gauge.
# TYPE http_queue gauge
http_queue 7
http_queue{a="1"} 8
`,
	);
});

test("OpenMetrics 1.0", async () => {
	assert.equal(
		await pageIn(OPENMETRICS),
		`# HELP jobs A counter.
# TYPE jobs counter
jobs_total{queue="a"} 3
# HELP cpu_seconds A counter.
# TYPE cpu_seconds counter
# UNIT cpu_seconds seconds
cpu_seconds_total 1.5
# HELP size_bytes A gauge.
# TYPE size_bytes gauge
# UNIT size_bytes bytes
size_bytes 1e+21
size_bytes{a="2",z="1"} 0
# TYPE plain gauge
plain 1
# HELP untold A gauge.
# TYPE untold unknown
untold 1
# HELP wait_seconds A histogram.
# TYPE wait_seconds histogram
# UNIT wait_seconds seconds
wait_seconds_bucket{kind="b",le="0.5"} 1
wait_seconds_bucket{kind="b",le="2.0"} 1
wait_seconds_bucket{kind="b",le="+Inf"} 2
wait_seconds_sum{kind="b"} 3
wait_seconds_count{kind="b"} 2
# HELP age_seconds A summary.
# TYPE age_seconds summary
# UNIT age_seconds seconds
age_seconds{quantile="0.5"} 1
age_seconds{quantile="1.0"} 2
age_seconds_sum 3
age_seconds_count 2
# HELP http_queue A gauge.
# TYPE http_queue gauge
http_queue 7
http_queue{a="1"} 8
# EOF
`,
	);
});

test("UTF-8 names are quoted where a scraper allows them, and nothing else changes", async () => {
	const quoted = `# HELP "http.queue" A gauge.
# TYPE "http.queue" gauge
{"http.queue"} 7
{"http.queue",a="1"} 8
`;
	const escaped = `# HELP http_queue A gauge.
# TYPE http_queue gauge
http_queue 7
http_queue{a="1"} 8
`;
	assert.equal(await pageIn(TEXT_UTF8), (await pageIn(undefined)).replace(escaped, quoted));
	assert.equal(await pageIn(OPENMETRICS_UTF8), (await pageIn(OPENMETRICS)).replace(escaped, quoted));
});

async function pageIn(accept: string | undefined): Promise<string> {
	const { collect, text } = createCollector();
	await collect("m", FAMILIES);
	return text(accept);
}
