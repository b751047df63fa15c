import assert from "node:assert/strict";
import { test } from "node:test";
import * as platformatic from "@platformatic/prom-client";
import * as prometheusIo from "@prometheus-io/client";
import * as promClient from "prom-client";
import { encodeSnapshot } from "../../../workers/snapshot/encode-snapshot.ts";
import { createCollector, OPENMETRICS } from "../../support/metrics-aggregate.ts";
import { seriesOf } from "../../support/strict-exposition.ts";
import { DEFAULT_SNAPSHOT_LIMITS, MAX_LINE_BYTES } from "../../../workers/snapshot/limits.ts";

test("the format, line by line", () => {
	const encoded = encodeSnapshot(
		[
			[
				{
					name: "x",
					help: "Help.",
					type: "gauge",
					values: [
						{ labels: { a: "1", none: null, off: undefined, n: 7, yes: true }, value: 1.5 },
						{ labels: {}, value: Number.NaN, metricName: "x_sum" },
						{ value: -Infinity, labels: { f: () => 1, o: {} }, timestamp: 5 },
						{ value: "7", labels: {}, exemplar: { labelSet: { t: "1" }, value: 2, timestamp: 3 } },
					],
				},
				{ name: "y", type: "counter", values: "none" },
				7,
			],
		],
		DEFAULT_SNAPSHOT_LIMITS,
	);
	assert.ok(encoded.ok);
	assert.equal(encoded.samples, 4);
	assert.deepEqual(linesOf(encoded.bytes), [
		["f", "x", "Help.", "gauge"],
		[
			"s",
			[
				[["a", "1", "n", "7", "yes", "true"], 1.5],
				[[], "NaN", "x_sum"],
				[["f", null, "o", []], "-Inf", 0, 0, 1],
				[[], null, 0, [["t", "1"], 2, 3]],
			],
			4,
		],
		["f", "y", null, "counter", 0],
		["f"],
	]);
});

test("samples come at most 64 a line, and long ones fewer", () => {
	const values = Array.from({ length: 130 }, (_, index) => ({ labels: { index }, value: index }));
	const long = Array.from({ length: 40 }, (_, index) => ({
		labels: { text: "\u0001".repeat(5000) + index },
		value: index,
	}));
	const encoded = encodeSnapshot(
		[[{ name: "x", help: "", type: "gauge", values: [...values, ...long] }]],
		DEFAULT_SNAPSHOT_LIMITS,
	);
	assert.ok(encoded.ok);
	const lines = linesOf(encoded.bytes);
	assert.deepEqual(
		lines.slice(1, 3).map((line) => (line[1] as unknown[]).length),
		[64, 64],
	);
	assert.ok(lines.length > 20);
	for (const line of Buffer.from(encoded.bytes).toString().split("\n"))
		assert.ok(Buffer.byteLength(line) <= MAX_LINE_BYTES);
});

test("the largest sample that is sent fits into a line", () => {
	const worst = {
		labels: Object.fromEntries(Array.from({ length: 3 }, (_, index) => [`l${index}`, "\u0001".repeat(16_384)])),
		value: 1,
	};
	const wide = {
		labels: Object.fromEntries(Array.from({ length: 2 }, (_, index) => [`l${index}`, "\uffff".repeat(16_384)])),
		value: 1,
	};
	const filler = { labels: { a: "\uffff".repeat(8000) }, value: 1 };
	const encoded = encodeSnapshot(
		[[{ name: "x", help: "", type: "gauge", values: [filler, worst, filler, wide] }]],
		DEFAULT_SNAPSHOT_LIMITS,
	);
	assert.ok(encoded.ok);
	for (const line of Buffer.from(encoded.bytes).toString().split("\n"))
		assert.ok(Buffer.byteLength(line) <= MAX_LINE_BYTES);
});

test("of what is too long only the length is sent", () => {
	const labels = { long: "x".repeat(70_000), ["n".repeat(300)]: "v" };
	const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`l${index}`, "v"]));
	const encoded = encodeSnapshot(
		[
			[
				{
					name: "x".repeat(1000),
					help: "h".repeat(10_000),
					type: "gauge",
					values: [
						{ labels, value: 1 },
						{ labels: many, value: 1 },
					],
				},
			],
		],
		DEFAULT_SNAPSHOT_LIMITS,
	);
	assert.ok(encoded.ok);
	const [head, samples] = linesOf(encoded.bytes);
	assert.deepEqual(
		head?.map(String).map(({ length }) => length),
		[1, 256, 4096, 5],
	);
	assert.deepEqual(samples?.[1], [
		[["long", 70_000, 300, "v"], 1],
		[500, 1],
	]);
});

test("each property is read once", () => {
	const reads = new Map<string, number>();
	const counted = (target: object): object =>
		new Proxy(target, {
			get(object, key) {
				reads.set(String(key), (reads.get(String(key)) ?? 0) + 1);
				return Reflect.get(object, key);
			},
		});
	const sample = counted({
		labels: counted({ a: "1" }),
		value: 1,
		metricName: "x",
		exemplar: counted({ labelSet: {}, value: 1, timestamp: 2 }),
	});
	encodeSnapshot([[counted({ name: "x", help: "", type: "gauge", values: [sample] })]], DEFAULT_SNAPSHOT_LIMITS);
	assert.deepEqual(
		reads,
		new Map([
			["name", 1],
			["help", 1],
			["values", 1],
			["type", 1],
			["labels", 1],
			["a", 1],
			["value", 2],
			["metricName", 1],
			["exemplar", 1],
			["labelSet", 1],
			["timestamp", 2],
		]),
	);
});

test("families past a limit are left out whole, and the last line says how many", () => {
	const bySamples = encodeSnapshot([[family("a", 3), family("b", 3), family("c", 1)]], {
		maxBytes: 1e6,
		maxSamples: 6,
	});
	assert.ok(bySamples.ok);
	assert.equal(bySamples.samples, 3);
	assert.deepEqual(
		linesOf(bySamples.bytes).map(([kind, name]) => [kind, kind === "s" ? "" : name]),
		[
			["f", "a"],
			["s", ""],
			["x", 2],
		],
	);

	const byBytes = encodeSnapshot([[family("a", 3), family("b", 300)]], { maxBytes: 200, maxSamples: 1000 });
	assert.ok(byBytes.ok);
	assert.equal(byBytes.samples, 3);
	assert.deepEqual(linesOf(byBytes.bytes).at(-1), ["x", 1]);

	const ofTwo = encodeSnapshot([[family("a", 3), family("b", 30)], [family("c", 1)]], { maxBytes: 1e6, maxSamples: 6 });
	assert.ok(ofTwo.ok);
	assert.deepEqual(linesOf(ofTwo.bytes).at(-1), ["x", 2]);
	assert.equal(ofTwo.samples, 3);

	const nothing = encodeSnapshot([[family("a", 300)]], { maxBytes: 200, maxSamples: 1000 });
	assert.deepEqual([nothing.ok, nothing.ok || nothing.reason], [false, "payload_too_large"]);
});

test("an endless array ends at the sample limit", () => {
	const endless = new Proxy([], { get: (_, key) => (key === "length" ? Number.MAX_SAFE_INTEGER : undefined) });
	const encoded = encodeSnapshot([[{ name: "x", help: "", type: "gauge", values: endless }]], {
		maxBytes: 1e6,
		maxSamples: 100,
	});
	assert.deepEqual([encoded.ok, encoded.ok || encoded.reason], [false, "payload_too_large"]);
});

test("the buffer is of its own, and of exactly the size of what was written", () => {
	const encoded = encodeSnapshot([[{ name: "x", help: "", type: "gauge", values: [] }]], DEFAULT_SNAPSHOT_LIMITS);
	assert.ok(encoded.ok);
	assert.equal(encoded.bytes.byteOffset, 0);
	assert.equal(encoded.bytes.buffer.byteLength, encoded.bytes.byteLength);
});

const LIBRARIES = {
	"prom-client": promClient,
	"@prometheus-io/client": prometheusIo,
	"@platformatic/prom-client": platformatic,
};

for (const [name, library] of Object.entries(LIBRARIES)) {
	test(`every kind of metric of ${name} comes through, with its exemplars and asynchronous collect()`, async () => {
		// Three libraries with one API; the types of one stand for all of them.
		const { Counter, Gauge, Histogram, Registry, Summary, openMetricsContentType } =
			library as unknown as typeof promClient;
		const registry = new Registry();
		registry.setContentType(openMetricsContentType as never);
		const registers = [registry];
		const requests = new Counter<string>({
			name: "requests_total",
			help: "Requests.",
			labelNames: ["method"],
			registers,
			enableExemplars: true,
		});
		requests.inc({ labels: { method: "GET" }, value: 2, exemplarLabels: { trace_id: "abc" } });
		const queue = new Gauge({
			name: "queue_size",
			help: "Queue.",
			registers,
			async collect() {
				await Promise.resolve();
				this.set(7);
			},
		});
		assert.ok(queue !== undefined);
		const seconds = new Histogram({
			name: "wait_seconds",
			help: "Wait.",
			labelNames: ["kind"],
			buckets: [0.5, 2],
			registers,
		});
		seconds.observe({ kind: "a" }, 1);
		seconds.observe({ kind: "a" }, 3);
		const sizes = new Summary({ name: "size_bytes", help: "Size.", percentiles: [0.5], registers });
		sizes.observe(10);
		registry.setDefaultLabels({ zone: "z" });

		const collector = createCollector();
		await collector.collect("m", await registry.getMetricsAsJSON());
		assert.deepEqual(
			seriesOf(await collector.families()),
			new Map([
				['requests_total{method="GET",zone="z"}', 2],
				['queue_size{zone="z"}', 7],
				['wait_seconds_bucket{kind="a",le="0.5",zone="z"}', 0],
				['wait_seconds_bucket{kind="a",le="2",zone="z"}', 1],
				['wait_seconds_bucket{kind="a",le="+Inf",zone="z"}', 2],
				['wait_seconds_sum{kind="a",zone="z"}', 4],
				['wait_seconds_count{kind="a",zone="z"}', 2],
				['size_bytes{quantile="0.5",zone="z"}', 10],
				['size_bytes_sum{zone="z"}', 10],
				['size_bytes_count{zone="z"}', 1],
			]),
		);
		assert.deepEqual([...collector.dropped], []);
		const [sample] = (await collector.families(OPENMETRICS)).get("requests")?.samples ?? [];
		assert.deepEqual(sample?.exemplar?.labels, new Map([["trace_id", "abc"]]));
		assert.equal(sample?.exemplar?.value, 2);
	});
}

function family(name: string, samples: number): object {
	return {
		name,
		help: "",
		type: "gauge",
		values: Array.from({ length: samples }, (_, index) => ({ labels: { index }, value: 1 })),
	};
}

function linesOf(bytes: Uint8Array): readonly (readonly unknown[])[] {
	return Buffer.from(bytes)
		.toString()
		.split("\n")
		.slice(0, -1)
		.map((line) => JSON.parse(line));
}
