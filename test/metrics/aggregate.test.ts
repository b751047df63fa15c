import assert from "node:assert/strict";
import { createHook } from "node:async_hooks";
import { test } from "node:test";
import { isNotModified } from "../../src/metrics/page/negotiation.ts";
import { encodeSnapshot } from "../../workers/snapshot/encode-snapshot.ts";
import { createCollector, hostSource, OPENMETRICS } from "../support/metrics-aggregate.ts";
import { counter, gauge, histogram, histogramValues, summary, value } from "../support/raw-families.ts";
import { seriesOf } from "../support/strict-exposition.ts";
import { DEFAULT_SNAPSHOT_LIMITS, MAX_LINE_BYTES } from "../../workers/snapshot/limits.ts";

test("a failed collection keeps the last good snapshot, and says why", async () => {
	const { collect, aggregate, families, dropped } = createCollector();
	await collect("m", [gauge("x", value(1))]);
	const report = await aggregate.fail("m", "collect_error", "process() threw");
	assert.deepEqual(report.error, { code: "collect_error", message: "process() threw" });
	assert.equal(report.success, false);
	assert.equal(report.series, 1);
	assert.equal(dropped.get("m collect_error"), 1);
	assert.equal(seriesOf(await families()).get("x"), 1);

	await aggregate.fail("m", "collect_timeout", "no answer");
	assert.equal(dropped.get("m collect_timeout"), 1);
	assert.equal((await collect("m", [gauge("x", value(2))])).success, true);
	assert.equal(aggregate.report("m")?.error, undefined);
});

test("bytes that are no snapshot are refused whole, and the snapshot before them stays", async () => {
	const line = `["s",[${'[["a","b"],1],'.repeat(MAX_LINE_BYTES / 8)}[["a","c"],1]]]`;
	const forgeries: readonly (readonly [reason: string, bytes: Uint8Array])[] = [
		["invalid_payload", Buffer.from("x")],
		["invalid_payload", Buffer.from("{}\n")],
		["invalid_payload", Buffer.from('["f","a","b","gauge"]')],
		["invalid_payload", Buffer.from('["q"]\n')],
		["invalid_payload", Buffer.from('["s",7]\n')],
		["invalid_payload", Buffer.from("\n")],
		["invalid_payload", Buffer.from(`${line}\n`)],
		["invalid_payload", Buffer.from("[".repeat(MAX_LINE_BYTES))],
		["payload_too_large", Buffer.alloc(DEFAULT_SNAPSHOT_LIMITS.maxBytes + 1)],
		["payload_too_large", Buffer.from('["f"]\n'.repeat(DEFAULT_SNAPSHOT_LIMITS.maxSamples + 1))],
	];
	for (const [reason, bytes] of forgeries) {
		const { collect, aggregate, families } = createCollector();
		await collect("m", [gauge("x", value(1))]);
		const report = await aggregate.accept("m", bytes, { generation: 1 });
		assert.equal(report.error?.code, reason);
		assert.equal(seriesOf(await families()).get("x"), 1);
	}
});

test("samples over the limit are counted, as the line says, and not read", async () => {
	const { aggregate } = createCollector({ limits: { maxSeries: 1, maxLabels: 30, maxLabelLength: 1024 } });
	const lines = [
		'["f","x","h","gauge"]',
		'["s",[[["a","1"],1],[["a","2"],1]],2]',
		'["s",[what is here is nobody read],64]',
		'["s",[[["a","3"],1]]]',
		'["f","y","h","gauge"]',
		'["s",[],1]',
	];
	const report = await aggregate.accept("m", Buffer.from(`${lines.join("\n")}\n`), { generation: 1 });
	assert.equal(report.success, true);
	assert.deepEqual(
		report.drops.map(({ reason, family, count }) => [reason, family, count]),
		[
			["series_limit", "y", 1],
			["series_limit", "x", 67],
		],
	);
});

test("forged lines cannot name a label twice, or carry what no module could", async () => {
	const { aggregate, families, dropped } = createCollector();
	const lines = [
		["s", [[["a", "1"], 1]]],
		["f", "x", "h", "gauge"],
		[
			"s",
			[
				[["a", "1", "a", "2"], 1],
				[["a"], 1],
				[{ a: 1 }, 1],
				[["a", "1"], { v: 1 }],
				[],
				7,
				[["a", "1"], 5, "x", 0, 0, "more"],
			],
		],
		["x", "many"],
	];
	assert.equal((await aggregate.accept("m", jsonLines(lines), { generation: 1 })).error?.code, "invalid_payload");
	await aggregate.accept("m", jsonLines(lines.slice(0, -1)), { generation: 1 });
	assert.deepEqual(seriesOf(await families()), new Map([['x{a="1"}', 5]]));
	assert.equal(dropped.get("m invalid_label_name"), 2);
});

test("the report keeps at most ten examples, with first and last time and a count", async () => {
	const { collect, aggregate, clock, news } = createCollector();
	const bad = Array.from({ length: 15 }, (_, index) =>
		gauge(`bad_${index}`, value("no", { a: "x".repeat(300) }), value("no")),
	);
	await collect("m", bad);
	clock.now += 1000;
	await collect("m", bad.slice(3, 4));
	const drops = aggregate.report("m")?.drops ?? [];
	assert.equal(drops.length, 10);
	const [latest] = drops;
	assert.equal(latest?.family, "bad_3");
	assert.equal(latest?.count, 4);
	assert.equal((latest?.lastSeenAt ?? 0) - (latest?.firstSeenAt ?? 0), 1000);
	assert.equal(latest?.series.length, 200);
	assert.deepEqual(news[0], { level: "warn", message: "m: dropped from bad_0: invalid_value" });
	assert.equal(news.length, 15, "one line of log for each family, not one for each collection");
});

test("samples of a module that is not collected any more leave the page after maxAgeMs; its names stay", async () => {
	const { collect, aggregate, clock, families, dropped } = createCollector({ maxAgeMs: 60_000 });
	await collect("m", [gauge("x", value(1))]);
	await collect("n", [gauge("n", value(1))]);
	clock.now += 59_000;
	await collect("n", [gauge("n", value(1))]);
	assert.equal(seriesOf(await families()).get("x"), 1);
	clock.now += 2000;
	assert.deepEqual(seriesOf(await families()), new Map([["n", 1]]));
	assert.equal(aggregate.report("m")?.series, 0);
	await collect("n", [counter("x", value(1))]);
	assert.equal(dropped.get("n type_conflict"), 1);
});

test("a removed module's samples, names and counters are gone; a name is then whose turn it is", async () => {
	const { collect, aggregate, families } = createCollector();
	await collect("m", [counter("x_total", value(5))]);
	await collect("n", [gauge("x_total", value(7))]);
	aggregate.remove("m");
	assert.equal(aggregate.report("m"), undefined);
	assert.deepEqual(seriesOf(await families()), new Map());
	await collect("n", [gauge("x_total", value(7))]);
	assert.equal((await families()).get("x_total")?.type, "gauge");
	aggregate.remove("n");
	await collect("m", [counter("x_total", value(1))], 2);
	assert.equal(seriesOf(await families()).get("x_total"), 1);
});

test("a module removed while its snapshot is being read leaves nothing behind", async () => {
	const { collect, aggregate, families } = createCollector();
	const accepted = collect("m", [gauge("x", ...Array.from({ length: 5000 }, (_, index) => value(index, { index })))]);
	aggregate.remove("m");
	await accepted;
	assert.deepEqual(seriesOf(await families()), new Map());
	await collect("n", [counter("x", value(1))]);
	assert.equal((await families()).get("x")?.type, "counter");
});

test("a module removed at any moment while its names are claimed leaves none of them taken", async () => {
	const names = Array.from({ length: 4000 }, (_, index) => `x_${index}`);
	for (let turns = 0; turns < 25; turns++) {
		const { collect, aggregate, families, dropped } = createCollector();
		const accepted = collect(
			"m",
			names.map((name) => gauge(name)),
		);
		for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
		aggregate.remove("m");
		await accepted;
		assert.deepEqual(seriesOf(await families()), new Map());
		await collect(
			"n",
			names.map((name) => counter(name)),
		);
		assert.deepEqual([...dropped], [], `removed after ${turns} turns`);
	}
});

test("a runtime metric whose type is not the host's is refused", async () => {
	const { collect, dropped, families } = createCollector({
		host: [hostSource([{ ...gauge("nodejs_x", value(1)), type: "gauge" }])],
	});
	await collect("m", [counter("nodejs_x", value(2)), gauge("nodejs_y", value(3))]);
	assert.equal(dropped.get("m type_conflict"), 1);
	assert.deepEqual(
		seriesOf(await families()),
		new Map([
			["nodejs_x", 1],
			['nodejs_y{server_id="m"}', 3],
		]),
	);
});

test("summaries without sum and count have their owners too", async () => {
	const { collect, dropped } = createCollector();
	const quantile = { labels: { quantile: 0.5, s: "1" }, value: 1 };
	await collect("m", [summary("s", quantile)]);
	await collect("n", [summary("s", quantile)]);
	assert.equal(dropped.get("n duplicate_series"), 1);
});

test("series that a module showed once are kept for it only in a bounded number", async () => {
	const { collect, dropped } = createCollector({ limits: { maxSeries: 10, maxLabels: 30, maxLabelLength: 1024 } });
	await collect("m", [gauge("x", value(1, { id: "m" }))]);
	await collect("n", [gauge("x", value(1, { id: "n" }))]);
	for (let round = 0; round < 10; round++) {
		await collect("m", [
			gauge("x", ...Array.from({ length: 10 }, (_, index) => value(1, { id: `${round} ${index}` }))),
		]);
	}
	await collect("n", [gauge("x", value(1, { id: "0 0" }), value(1, { id: "9 9" }))]);
	assert.equal(dropped.get("n duplicate_series"), 1, "the latest is still the other's, the first is forgotten");
});

test("a new snapshot is compressed before anybody asks, once gzip has been asked for", async (t) => {
	let compressions = 0;
	const hook = createHook({
		init(_, type) {
			if (type === "ZLIB") compressions++;
		},
	}).enable();
	t.after(() => hook.disable());
	const { collect, aggregate } = createCollector();
	await collect("m", [gauge("x", value(1))]);
	assert.equal(compressions, 0, "nobody has asked");
	await aggregate.page({ acceptEncoding: "gzip" });
	const asked = compressions;
	await collect("m", [gauge("x", value(2))]);
	assert.equal(compressions, asked + 1);
	await aggregate.page({ acceptEncoding: "gzip" });
	assert.equal(compressions, asked + 1, "the scrape had nothing to compress");
});

test("a module that renames what it has alone makes nobody else's part be compressed again", async (t) => {
	const { collect, aggregate } = createCollector({ limits: { maxSeries: 2, maxLabels: 30, maxLabelLength: 1024 } });
	for (const id of ["m", "n"]) await collect(id, [gauge("both", value(1, { id })), gauge(`own_${id}`, value(1))]);
	await collect("renames", [gauge("name_0", value(1))]);
	await aggregate.page({ acceptEncoding: "gzip" });
	let compressions = 0;
	const hook = createHook({
		init(_, type) {
			if (type === "ZLIB") compressions++;
		},
	}).enable();
	t.after(() => hook.disable());
	for (let round = 1; round <= 5; round++) {
		await collect("renames", [gauge(`name_${round}`, value(1))]);
		await aggregate.page({ acceptEncoding: "gzip" });
	}
	assert.equal(compressions, 5, "its own part, once each time");
});

test("the owner of a family keeps it across a restart and while it is down", async () => {
	const { collect, clock, families } = createCollector({ maxAgeMs: 60_000 });
	await collect("m", [gauge("x", value(1))]);
	await collect("n", [counter("x", value(2))]);
	clock.now += 3_600_000;
	await collect("n", [counter("x", value(3))]);
	assert.deepEqual(seriesOf(await families()), new Map());
	await collect("m", [gauge("x", value(4))], 2);
	assert.deepEqual(seriesOf(await families()), new Map([["x", 4]]));
});

test("a name that its owner was collected without for longer than maxAgeMs is free again", async () => {
	const { collect, clock, families } = createCollector({ maxAgeMs: 60_000 });
	await collect("m", [gauge("x", value(1))]);
	clock.now += 59_000;
	await collect("m", []);
	await collect("n", [counter("x", value(2))]);
	assert.equal(seriesOf(await families()).get("x"), undefined);
	clock.now += 2000;
	await collect("m", []);
	await collect("n", [counter("x", value(3))]);
	assert.equal(seriesOf(await families()).get("x"), 3);
});

test("a series is its first module's also when that module shows it only now and then", async () => {
	const { collect, clock, families } = createCollector({ maxAgeMs: 60_000 });
	await collect("m", [gauge("x", value(1, { s: "a" }), value(1, { s: "b" }))]);
	await collect("n", [gauge("x", value(2, { s: "a" }), value(2, { s: "c" }))]);
	await collect("m", [gauge("x", value(3, { s: "b" }))]);
	await collect("n", [gauge("x", value(4, { s: "a" }))]);
	assert.deepEqual(seriesOf(await families()), new Map([['x{s="b"}', 3]]));
	clock.now += 61_000;
	await collect("m", [gauge("x", value(5, { s: "b" }))]);
	await collect("n", [gauge("x", value(6, { s: "a" }))]);
	assert.deepEqual(
		seriesOf(await families()),
		new Map([
			['x{s="b"}', 5],
			['x{s="a"}', 6],
		]),
	);
});

test("histograms of two modules in one family: the label set is the unit, found again in what the first one shows", async () => {
	const { collect, families, dropped } = createCollector();
	const tricky = 'le="1"} 5 \n\\';
	await collect("m", [histogram("h", histogramValues("h", { labels: { s: tricky } }), histogramValues("h"))]);
	await collect("n", [
		histogram("h", histogramValues("h", { labels: { s: tricky } }), histogramValues("h", { labels: { s: "n" } })),
	]);
	assert.equal(dropped.get("n duplicate_series"), 1);
	assert.equal((await families()).get("h")?.samples.length, 12);
});

test("an owner that gives its family another type puts the others out of it at once", async () => {
	const { collect, families } = createCollector();
	await collect("m", [gauge("x", value(1, { s: "m" }))]);
	await collect("n", [gauge("x", value(2, { s: "n" }))]);
	await collect("m", [counter("x", value(3, { s: "m" }))]);
	assert.equal((await families()).get("x")?.type, "counter");
	assert.deepEqual(seriesOf(await families()), new Map([['x{s="m"}', 3]]));
});

test("a module may rename its own metric to a name that would collide with the old one", async () => {
	const { collect, families, dropped } = createCollector();
	await collect("m", [gauge("x_count", value(1))]);
	await collect("m", [histogram("x", histogramValues("x"))], 2);
	assert.equal((await families()).get("x")?.type, "histogram");
	assert.deepEqual([...dropped], []);
});

test("snapshots taken side by side: every module is on the page, and a name has one owner", async () => {
	const { collect, families, dropped } = createCollector();
	const ids = Array.from({ length: 20 }, (_, index) => `m${index}`);
	await Promise.all(
		ids.map((id) =>
			collect(id, [
				gauge("common", value(1, { id }), value(1, { id: "all" })),
				gauge(`own_${id}`, ...Array.from({ length: 500 }, (_, index) => value(index, { index }))),
			]),
		),
	);
	const page = await families();
	assert.equal(page.get("common")?.samples.length, 21);
	assert.equal(seriesOf(page).size, 20 * 500 + 21);
	assert.equal(
		[...dropped.values()].reduce((sum, count) => sum + count, 0),
		19,
	);
});

test("snapshots of one module are taken in order, and one of an older generation is ignored", async () => {
	const { collect, families } = createCollector();
	await Promise.all([1, 2, 3].map((amount) => collect("m", [gauge("x", value(amount))], 2)));
	assert.equal(seriesOf(await families()).get("x"), 3);
	await collect("m", [gauge("x", value(9))], 1);
	assert.equal(seriesOf(await families()).get("x"), 3);
});

test("the host's families come with the page, once each, and are read only when they changed", async () => {
	let version = 1;
	let reads = 0;
	const source = {
		...hostSource([{ ...counter("mcp_calls_total", value(1)), type: "counter" }]),
		version: () => version,
		async read() {
			reads++;
			return hostSource([{ ...counter("mcp_calls_total", value(version)), type: "counter" }]).read();
		},
	};
	const { families, aggregate } = createCollector({ host: [source] });
	assert.equal(seriesOf(await families()).get("mcp_calls_total"), 1);
	await families();
	assert.equal(reads, 1);
	version = 2;
	const pages = await Promise.all([aggregate.page({}), aggregate.page({})]);
	assert.equal(reads, 2, "scrapes at the same time share one reading");
	pages.push(await aggregate.page({ accept: OPENMETRICS }));
	assert.ok(pages.every((page) => Buffer.concat(page?.body ?? []).includes("mcp_calls_total 2\n")));
});

test("a source of the host that cannot be read costs neither the page nor what it read last", async () => {
	let version = 1;
	const readable = hostSource([{ ...gauge("mcp_fds", value(1)), type: "gauge" }]);
	const source = {
		...readable,
		version: () => version,
		async read() {
			if (version > 1) throw new Error("too many open files");
			return readable.read();
		},
	};
	const { families, collect, dropped } = createCollector({ host: [source] });
	await families();
	version = 2;
	await collect("m", [gauge("x", value(1))]);
	assert.equal(seriesOf(await families()).get("mcp_fds"), 1);
	assert.ok((dropped.get("host collect_error") ?? 0) > 0);
});

test("one module's page has its families only, and an unknown module has none", async () => {
	const { collect, aggregate, text } = createCollector({
		host: [hostSource([{ ...gauge("mcp_up", value(1)), type: "gauge" }])],
	});
	await collect("m", [gauge("x", value(1, { s: "m" }))]);
	await collect("n", [gauge("x", value(2, { s: "n" }))]);
	assert.equal(await text(undefined, "n"), '# HELP x A gauge.\n# TYPE x gauge\nx{s="n"} 2\n');
	assert.equal(await text(OPENMETRICS, "n"), '# HELP x A gauge.\n# TYPE x gauge\nx{s="n"} 2\n# EOF\n');
	assert.equal(await aggregate.page({ moduleIds: ["nobody"] }), undefined);
});

test("the ETag is the page's as long as nothing on it changes, and each format's and encoding's own", async () => {
	const { collect, aggregate } = createCollector();
	const etag = async (accept?: string, acceptEncoding?: string) =>
		(await aggregate.page({ accept, acceptEncoding }))?.etag ?? "";
	await collect("m", [gauge("x", value(1))]);
	const first = await etag();
	assert.equal(await etag(), first);
	assert.equal(new Set([first, await etag(OPENMETRICS), await etag(undefined, "gzip")]).size, 3);
	assert.ok(isNotModified(first, await etag()));
	await collect("m", [gauge("x", value(2))]);
	assert.ok(!isNotModified(first, await etag()));
});

test("payloads with more samples than are sent keep their first families, and say that the rest is missing", async () => {
	const { aggregate, families } = createCollector();
	const encoded = encodeSnapshot([[gauge("a", value(1)), gauge("b", value(1), value(2, { a: "1" })), gauge("c")]], {
		maxBytes: 10_000,
		maxSamples: 4,
	});
	assert.ok(encoded.ok);
	const report = await aggregate.accept("m", encoded.bytes, { generation: 1 });
	assert.equal(report.success, true);
	assert.deepEqual(
		report.drops.map(({ reason, count }) => [reason, count]),
		[["payload_too_large", 2]],
	);
	assert.deepEqual(seriesOf(await families()), new Map([["a", 1]]));
});

function jsonLines(lines: readonly unknown[]): Buffer {
	return Buffer.from(`${lines.map((line) => JSON.stringify(line)).join("\n")}\n`);
}
