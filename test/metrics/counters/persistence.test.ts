/** Counters over a restart of the host: two aggregates, one after the other, over one state folder. */
import assert from "node:assert/strict";
import {
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { clearCounterStore, createCounterStore } from "../../../src/metrics/counters/persistence.ts";
import { type Collector, createCollector } from "../../support/metrics-aggregate.ts";
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
import { until } from "../../support/until.ts";

const FAMILIES = [
	counter("x_total", value(5, { s: "é\n" }), value(Infinity, { s: "inf" })),
	gauge("g", value(5)),
	histogram("h", histogramValues("h")),
	summary("s", summaryValues("s")),
];
const TOGETHER = {
	'x_total{s="é\\n"}': 10,
	'x_total{s="inf"}': Infinity,
	g: 5,
	'h_bucket{le="1"}': 2,
	'h_bucket{le="+Inf"}': 4,
	h_sum: 6,
	h_count: 4,
	's{quantile="0.5"}': 1,
	s_sum: 6,
	s_count: 4,
};

test("a mirror is still one, and nothing is added to it before it can be seen to be one", async (t) => {
	const { start } = setUp(t);
	await start().mirror("metrics/m", FAMILIES, 7);
	const second = start();
	await second.collect("metrics/m", [counter("x_total", value(6, { s: "a" }))], 1);
	assert.deepEqual([...seriesOf(await second.families())], [['x_total{s="a"}', 6]]);
});

test("counters, histograms and summaries go on where the host before had brought them, and no gauge does", async (t) => {
	const { start, files } = setUp(t);
	await start().collect("metrics/m", FAMILIES, 7);
	assert.deepEqual(files(), ["metrics.m.jsonl"]);
	const second = start();
	await second.collect("metrics/m", FAMILIES, 1);
	assert.deepEqual(seriesOf(await second.families()), new Map(Object.entries(TOGETHER)));
	const third = start();
	await third.collect("metrics/m", [counter("x_total", value(1, { s: "é\n" }))], 1);
	assert.equal(seriesOf(await third.families()).get('x_total{s="é\\n"}'), 11);
});

test("what the page shows is on the disk before", async (t) => {
	const { start, text } = setUp(t);
	const host = start();
	for (let count = 1; count <= 20; count++) {
		await host.collect("metrics/m", [counter("x_total", value(count))], count < 10 ? 1 : 2);
		const shown = seriesOf(await host.families()).get("x_total");
		assert.ok(text("metrics.m.jsonl").includes(`["","",[${shown}]]`), `${shown} is in the file`);
	}
});

test("while a file is being written the page shows what it showed before", async (t) => {
	const { folder } = setUp(t);
	const store = createCounterStore(folder, assert.fail);
	const saving = Promise.withResolvers<void>();
	const saved = Promise.withResolvers<void>();
	const host = createCollector({
		counters: {
			...store,
			async save(...what) {
				saving.resolve();
				await saved.promise;
				return store.save(...what);
			},
		},
	});
	const collected = host.collect("metrics/m", [counter("x_total", value(1))]);
	await saving.promise;
	assert.equal(seriesOf(await host.families()).size, 0);
	saved.resolve();
	await collected;
	assert.equal(seriesOf(await host.families()).get("x_total"), 1);
});

test("a module whose counters stand still writes nothing, and one without any keeps no file", async (t) => {
	const { start, files, counterFolder } = setUp(t);
	const host = start();
	await host.collect("metrics/still", [counter("x_total", value(1))]);
	await host.collect("metrics/gauges", [gauge("g", value(1))]);
	assert.deepEqual(files(), ["metrics.still.jsonl"]);
	rmSync(path.join(counterFolder, "metrics.still.jsonl"));
	await host.collect("metrics/still", [counter("x_total", value(1)), gauge("now", value(Math.random()))]);
	assert.deepEqual(files(), [], "nothing was written");
	await host.collect("metrics/still", [counter("x_total", value(2))]);
	assert.deepEqual(files(), ["metrics.still.jsonl"]);
	await host.collect("metrics/still", []);
	assert.deepEqual(files(), [], "it has no counters any more");
});

test("what is kept goes with the module's file, also when that went while the host was down", async (t) => {
	const { start, files, store } = setUp(t);
	const host = start();
	for (const id of ["metrics/a", "metrics/b", "mcps/a"]) await host.collect(id, [counter("x_total", value(1, { id }))]);
	host.aggregate.remove("metrics/b");
	await until(() => files().length < 3, "the file is gone");
	assert.deepEqual(files(), ["mcps.a.jsonl", "metrics.a.jsonl"]);
	await store.retain(["metrics/a"]);
	assert.deepEqual(files(), ["metrics.a.jsonl"]);
	await host.collect("metrics/b", [counter("x_total", value(1, { id: "metrics/b" }))], 2);
	assert.equal(seriesOf(await host.families()).get('x_total{id="metrics/b"}'), 1, "it starts afresh");
});

for (const [title, damage] of [
	["cut short", (text: string) => text.slice(0, -20)],
	["without its end", (text: string) => text.slice(0, text.lastIndexOf('["end"'))],
	["with another number in it", (text: string) => text.replace(",[5]]", ",[6]]")],
	["of another module", (text: string) => text.replace("metrics/m", "metrics/n")],
	["empty", () => ""],
	["of no JSON", () => "\0".repeat(4096)],
	["of another format", () => '{"version":9}\n["end",1]\n'],
] as const)
	test(`a file ${title} is told about, ignored and gone`, async (t) => {
		const { start, text, counterFolder, problems } = setUp(t);
		await start().collect("metrics/m", FAMILIES);
		writeFileSync(path.join(counterFolder, "metrics.m.jsonl"), damage(text("metrics.m.jsonl")));
		const host = start();
		await host.collect("metrics/m", [gauge("g", value(1))]);
		assert.match(problems.join(), /^the counters of metrics\/m in .* cannot be kept.*: its file is damaged$/);
		assert.equal(existsSync(path.join(counterFolder, "metrics.m.jsonl")), false);
		await host.collect("metrics/m", FAMILIES);
		assert.equal(seriesOf(await host.families()).get("h_count"), 2);
	});

test("a file that no more can be written is removed, since an old one would make counters fall", async (t) => {
	const { start, files, counterFolder, problems } = setUp(t);
	const host = start();
	await host.collect("metrics/m", [counter("x_total", value(1))]);
	mkdirSync(path.join(counterFolder, "metrics.m.jsonl.new")); // where the next text would be written
	await host.collect("metrics/m", [counter("x_total", value(2))]);
	await host.collect("metrics/m", [counter("x_total", value(3))]);
	assert.deepEqual(files(), ["metrics.m.jsonl.new"]);
	assert.equal(problems.length, 1, problems.join("\n"));
	assert.equal(seriesOf(await host.families()).get("x_total"), 3, "the page goes on");
	rmSync(path.join(counterFolder, "metrics.m.jsonl.new"), { recursive: true });
	await host.collect("metrics/m", [counter("x_total", value(4))]);
	assert.deepEqual(files(), ["metrics.m.jsonl"]);
});

test("no more series are taken from a file than the module may have", async (t) => {
	const { start } = setUp(t);
	const families = (amount: number) => [
		counter("x_total", ...Array.from({ length: 200 }, (_, id) => value(amount, { id }))),
	];
	await start().collect("metrics/m", families(1));
	const host = start({ limits: { maxSeries: 100, maxLabels: 30, maxLabelLength: 1024 } });
	await host.collect("metrics/m", [counter("x_total", value(1, { id: 0 }), value(1, { id: 199 }))]);
	const series = seriesOf(await host.families());
	assert.deepEqual([series.get('x_total{id="0"}'), series.get('x_total{id="199"}')], [2, 1]);
});

test("a host that keeps no counters leaves none that would be out of date for the next", async (t) => {
	const { start, files, folder } = setUp(t);
	await start().collect("metrics/m", [counter("x_total", value(1))]);
	await clearCounterStore(folder);
	await clearCounterStore(folder);
	assert.deepEqual(files(), []);
});

test("the files are the host's alone", async (t) => {
	const { start, counterFolder } = setUp(t);
	await start().collect("metrics/m", [counter("x_total", value(1))]);
	assert.equal(statSync(path.join(counterFolder, "metrics.m.jsonl")).mode & 0o077, 0);
});

function setUp(t: TestContext) {
	const folder = mkdtempSync(path.join(tmpdir(), "bulkhead-counters-"));
	t.after(() => rmSync(folder, { recursive: true, force: true }));
	const counterFolder = path.join(folder, "counters");
	const problems: string[] = [];
	const store = createCounterStore(folder, (what) => problems.push(what));
	return {
		folder,
		counterFolder,
		problems,
		store,
		files: (): readonly string[] => (existsSync(counterFolder) ? readdirSync(counterFolder).toSorted() : []),
		text: (file: string): string => readFileSync(path.join(counterFolder, file), "utf8"),
		start: (options: Parameters<typeof createCollector>[0] = {}): Collector =>
			createCollector({ counters: store, ...options }),
	};
}
