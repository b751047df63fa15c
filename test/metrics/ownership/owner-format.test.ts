/** Owners of metric families over a restart of the host: two aggregates, one after the other, over one state folder. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { FAMILY_OWNERS, type OwnedFamily } from "../../../src/metrics/ownership/owner-format.ts";
import { createSlicer } from "../../../src/core/time-slicer.ts";
import {
	decodeOwners,
	encodeOwners,
	MAX_KEPT_BYTES,
	MAX_KEPT_NAMES,
	MAX_OWNER_FILE_BYTES,
	type OwnedNames,
} from "../../../src/state/owner-file.ts";
import { createOwnerKeeper, type OwnerKeeper } from "../../../src/state/owner-store.ts";
import { sealLines } from "../../../src/state/sealed-lines.ts";
import { type Collector, createCollector, hostSource } from "../../support/metrics-aggregate.ts";
import { counter, gauge, histogram, histogramValues, value } from "../../support/raw-families.ts";
import { seriesOf } from "../../support/strict-exposition.ts";
import { until } from "../../support/until.ts";

const OWNED = [
	'["bulkhead owners",1]',
	'["metrics/z",["x","gauge"],["h","histogram"]]',
	'["mcps/shop",["é.total","counter"]]',
	'["end",3087045756]',
	"",
].join("\n");

test("the file is this", async () => {
	const owned: readonly OwnedNames<OwnedFamily>[] = [
		{
			moduleId: "metrics/z",
			names: [
				{ name: "x", type: "gauge" },
				{ name: "h", type: "histogram" },
			],
		},
		{ moduleId: "mcps/shop", names: [{ name: "é.total", type: "counter" }] },
	];
	assert.deepEqual(await createSlicer().run(decodeOwners(OWNED, FAMILY_OWNERS)), owned);
	assert.equal(await createSlicer().run(encodeOwners(owned, FAMILY_OWNERS)), OWNED);
});

test("whoever had a name first owns it after a restart, whoever is collected first then", async (t) => {
	const { start } = setUp(t);
	const first = await start();
	await first.collect("z", [gauge("x", value(1)), histogram("h", histogramValues("h"))]);
	await first.flush();
	const second = await start();
	await second.collect("a", [counter("x", value(2)), gauge("h_count", value(2)), gauge("own", value(2))]);
	assert.equal(second.dropped.get("a type_conflict"), 1);
	assert.equal(second.dropped.get("a suffix_collision"), 1);
	assert.deepEqual(seriesOf(await second.families()), new Map([["own", 2]]));
	await second.collect("z", [gauge("x", value(1))]);
	assert.equal(seriesOf(await second.families()).get("x"), 1);
	await second.flush();
	const third = await start();
	await third.collect("a", [counter("x", value(2))]);
	assert.equal(third.dropped.get("a type_conflict"), 1);
});

test("an owner's help is at the head of a family whose others were collected before it", async (t) => {
	const { start } = setUp(t);
	const first = await start();
	await first.collect("z", [{ ...gauge("x", value(1, { of: "z" })), help: "Of z." }]);
	await first.flush();
	const second = await start();
	await second.collect("a", [{ ...gauge("x", value(2, { of: "a" })), help: "Of a." }]);
	assert.equal((await second.families()).get("x")?.help, "Of a.");
	assert.deepEqual(second.aggregate.report("a")?.warnings, [], "nobody knows yet what the owner's help is");
	await second.collect("z", [{ ...gauge("x", value(1, { of: "z" })), help: "Of z." }]);
	assert.equal((await second.families()).get("x")?.help, "Of z.");
	assert.equal(seriesOf(await second.families()).size, 2);
});

test("a series that another module showed first after a restart goes back to the family's owner, and is never there twice", async (t) => {
	const { start } = setUp(t);
	const first = await start();
	await first.collect("z", [gauge("x", value(1))]);
	await first.flush();
	const second = await start();
	const collect = async (id: string, amount: number): Promise<unknown> => {
		second.clock.now += 1000;
		await second.collect(id, [gauge("x", value(amount), value(amount, { of: id }))]);
		return Object.fromEntries(seriesOf(await second.families()));
	};
	assert.deepEqual(await collect("a", 2), { x: 2, 'x{of="a"}': 2 });
	assert.deepEqual(await collect("z", 1), { x: 2, 'x{of="a"}': 2, 'x{of="z"}': 1 });
	assert.deepEqual(await collect("a", 2), { 'x{of="a"}': 2, 'x{of="z"}': 1 });
	for (const [id, amount] of [
		["z", 1],
		["a", 2],
		["z", 1],
	] as const) {
		assert.deepEqual(await collect(id, amount), { x: 1, 'x{of="a"}': 2, 'x{of="z"}': 1 });
	}
	assert.deepEqual([second.dropped.get("z duplicate_series"), second.dropped.get("a duplicate_series")], [1, 2]);
});

test("an owner that is collected without the name for longer than the lease loses it, and one that changed its type does not", async (t) => {
	const { start } = setUp(t);
	const first = await start();
	await first.collect("z", [gauge("x", value(1)), gauge("y", value(1))]);
	await first.flush();
	const second = await start({ maxAgeMs: 60_000 });
	await second.collect("z", [counter("y", value(1))]);
	second.clock.now += 60_001;
	await second.collect("z", [counter("y", value(1))]);
	await second.collect("a", [counter("x", value(2)), gauge("y", value(2))]);
	assert.deepEqual(seriesOf(await second.families()), new Map(Object.entries({ y: 1, x: 2 })));
});

test("names of modules that are gone are free, in the file as well", async (t) => {
	const { start, text } = setUp(t);
	const first = await start();
	await first.collect("gone", [gauge("x", value(1))]);
	await first.collect("z", [gauge("y", value(1))]);
	await first.flush();
	const second = await start();
	second.aggregate.retain(["z", "a"]);
	await second.collect("a", [counter("x", value(2))]);
	assert.equal(seriesOf(await second.families()).get("x"), 2);
	await second.flush();
	assert.doesNotMatch(text(), /gone/);
	second.aggregate.remove("z");
	await second.flush();
	assert.doesNotMatch(text(), /"z"/);
});

test("without STATE_DIR it is as on a first start", async (t) => {
	const { start, folder, problems } = setUp(t);
	const first = await start();
	await first.collect("z", [gauge("x", value(1))]);
	await first.flush();
	rmSync(folder, { recursive: true });
	await first.collect("z", [gauge("x", value(1)), gauge("y", value(1))]);
	await first.flush();
	rmSync(folder, { recursive: true });
	const second = await start();
	await second.collect("a", [counter("x", value(2))]);
	assert.equal(seriesOf(await second.families()).get("x"), 2);
	assert.deepEqual(problems, []);
});

test("a change is written by itself, and nothing is while owners stay the same", async (t) => {
	const { start, file, text } = setUp(t);
	const host = await start();
	await host.collect("z", [gauge("x", value(1))]);
	assert.equal(existsSync(file), false, "nobody waits for the disk");
	await until(() => existsSync(file), "the owner is kept");
	assert.equal(statSync(file).mode & 0o077, 0, "it is the host's alone");
	rmSync(file);
	await host.collect("z", [gauge("x", value(2))]);
	await host.collect("a", [gauge("x", value(2, { of: "a" }))]);
	await host.collect("z", [gauge("x", value(3))]);
	host.aggregate.remove("a");
	await host.flush();
	assert.equal(existsSync(file), false, "nothing was written");
	await host.collect("z", [gauge("y", value(1))]);
	await host.flush();
	assert.match(text(), /"y","gauge"/);
});

for (const [title, damage] of [
	["cut short", (text: string) => text.slice(0, -20)],
	["without its end", (text: string) => text.slice(0, text.lastIndexOf('["end"'))],
	["with another owner in it", (text: string) => text.replace('"z"', '"a"')],
	["empty", () => ""],
	["of no JSON", () => "\0".repeat(4096)],
	["of another format", () => sealed('["bulkhead owners",2]')],
	["with a line that is no module's", () => sealed('["bulkhead owners",1]', '{"z":[]}')],
	["with a module that has no name", () => sealed('["bulkhead owners",1]', '[7,["x","gauge"]]')],
	["with a type that there is not", () => sealed('["bulkhead owners",1]', '["z",["x","info"]]')],
	["with a name that no module may have", () => sealed('["bulkhead owners",1]', '["z",["process_x","gauge"]]')],
	["with a name that is escaped to one", () => sealed('["bulkhead owners",1]', '["z",["process.x","gauge"]]')],
	["with a name that is none", () => sealed('["bulkhead owners",1]', '["z",["a b","gauge"]]')],
	["that is too large", (text: string) => text + " ".repeat(MAX_OWNER_FILE_BYTES)],
] as const)
	test(`a file ${title} is told about once, ignored and replaced`, async (t) => {
		const { start, file, text, problems } = setUp(t);
		const first = await start();
		await first.collect("z", [gauge("x", value(1))]);
		await first.flush();
		writeFileSync(file, damage(text()));
		const second = await start();
		await second.collect("a", [counter("x", value(2))]);
		await second.collect("z", [gauge("x", value(1))]);
		assert.equal(second.dropped.get("z type_conflict"), 1);
		assert.equal(problems.length, 1, problems.join("\n"));
		assert.match(problems.join(), /metric-owners\.jsonl (is damaged|cannot be read), so the first module/);
		await second.flush();
		assert.match(text(), /\["a",\["x","counter"\]\]/);
	});

test("a disk that refuses costs the file and nothing else, and is told about once", async (t) => {
	const { start, file, problems } = setUp(t);
	mkdirSync(`${file}.new`, { recursive: true }); // where the text would be written
	const host = await start();
	for (const name of ["x", "y"]) {
		await host.collect("z", [gauge(name, value(1))]);
		await host.flush();
	}
	assert.equal(problems.length, 1, problems.join("\n"));
	assert.equal(seriesOf(await host.families()).get("y"), 1);
	rmSync(`${file}.new`, { recursive: true });
	await host.collect("z", [gauge("z", value(1))]);
	await host.flush();
	assert.equal(existsSync(file), true);
});

test("a name that the host has come to export with another type is nobody's by the file", async (t) => {
	const { start } = setUp(t);
	const first = await start();
	await first.collect("z", [counter("nodejs_x", value(1))]);
	await first.flush();
	const newer = hostSource([{ name: "nodejs_x", help: "Now the host's.", type: "gauge", values: [value(7)] }]);
	const second = await start({ host: [newer] });
	await second.collect("a", [gauge("nodejs_x", value(2))]);
	assert.deepEqual(
		seriesOf(await second.families()),
		new Map([
			["nodejs_x", 7],
			['nodejs_x{server_id="a"}', 2],
		]),
	);
});

test("a module's first names are kept, and as many modules as the file holds", async () => {
	const long = "n".repeat(190);
	const owned = Array.from({ length: 200 }, (_module, module) => ({
		moduleId: `metrics/m${module}`,
		names: Array.from({ length: MAX_KEPT_NAMES + 500 }, (_, index) => ({
			name: module < 20 ? `${long}${index}` : `n${index}`,
			type: "gauge" as const,
		})),
	}));
	const text = await createSlicer().run(encodeOwners(owned, FAMILY_OWNERS));
	assert.ok(text.length <= MAX_OWNER_FILE_BYTES, `${text.length} bytes`);
	const kept = (await createSlicer().run(decodeOwners(text, FAMILY_OWNERS))) ?? [];
	for (const { moduleId, names } of kept) {
		const all = owned.find((module) => module.moduleId === moduleId)?.names;
		assert.deepEqual(names, all?.slice(0, names.length), "the first ones");
	}
	const ofLong = Math.floor(MAX_KEPT_BYTES / JSON.stringify([`${long}100`, "gauge"]).length);
	assert.ok(Math.abs((kept[0]?.names.length ?? 0) - ofLong) <= 5, `${kept[0]?.names.length} of about ${ofLong}`);
	assert.deepEqual(
		kept.map(({ moduleId }) => moduleId),
		[...Array(15).keys(), 20, 21, 22].map((module) => `metrics/m${module}`),
	);
	assert.equal(kept.at(-1)?.names.length, MAX_KEPT_NAMES);
});

/** With the right end, so that only what is in it can be wrong. */
function sealed(...lines: readonly string[]): string {
	return sealLines(lines.map((line) => `${line}\n`).join(""));
}

function setUp(t: TestContext) {
	const parent = mkdtempSync(path.join(tmpdir(), "bulkhead-owners-"));
	const keepers: OwnerKeeper<OwnedFamily>[] = [];
	t.after(async () => {
		await Promise.all(keepers.map((keeper) => keeper.flush())); // what is written later would make the folder again
		rmSync(parent, { recursive: true, force: true });
	});
	const folder = path.join(parent, "state");
	const file = path.join(folder, "metric-owners.jsonl");
	const problems: string[] = [];
	return {
		folder,
		file,
		problems,
		text: (): string => readFileSync(file, "utf8"),
		async start(
			options: Parameters<typeof createCollector>[0] = {},
		): Promise<Collector & { readonly flush: () => Promise<void> }> {
			const keeper = createOwnerKeeper({
				stateDir: folder,
				format: FAMILY_OWNERS,
				onProblem: (what) => problems.push(what),
			});
			keepers.push(keeper);
			const collector = createCollector({
				owners: { kept: await keeper.load(), changed: keeper.changed },
				...options,
			});
			return { ...collector, flush: keeper.flush };
		},
	};
}
