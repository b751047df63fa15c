/** A module whose file is moved keeps its series and its counters: no scrape is without them. */
import assert from "node:assert/strict";
import { mkdir, rename } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { sampleOf, startTestServer, type TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

/** Long enough that nothing is collected by its turn in the schedule. */
const SELDOM = { COLLECT_INTERVAL_MS: "600000" };
const COUNTS = `
	import { Counter, Gauge, Histogram } from "prom-client";
	const c = new Counter({ name: "moved_total", help: "x", labelNames: ["a"] });
	const g = new Gauge({ name: "moved_now", help: "x" });
	const h = new Histogram({ name: "moved_seconds", help: "x", buckets: [1] });
	export function process() { c.inc({ a: "1" }, 10); g.set(7); h.observe(0.5); }
`;

const MOVES: readonly (readonly [what: string, from: string, to: string, id: string])[] = [
	["to another name", "metrics/a.ts", "metrics/b.ts", "metrics/b"],
	["into a folder", "metrics/a.ts", "metrics/a/index.ts", "metrics/a"],
	["out of a folder", "metrics/a/index.ts", "metrics/b.ts", "metrics/b"],
	["to another extension", "metrics/a.js", "metrics/a.ts", "metrics/a"],
	["to another letter case", "metrics/Disk.ts", "metrics/disk.ts", "metrics/disk"],
];

for (const [what, from, to, id] of MOVES) {
	test(`a file that is moved ${what} leaves no gap, and no counter falls`, async (t) => {
		const server = await startTestServer(t, { files: { [from]: COUNTS }, env: SELDOM });
		await until(async () => sampleOf(await server.metrics(), 'moved_total{a="1"}') === 10, "it is collected");
		await mkdir(path.dirname(path.join(server.folder, to)), { recursive: true });
		const shown = [10];
		await rename(path.join(server.folder, from), path.join(server.folder, to));
		await until(async () => {
			shown.push(checkPage(await server.metrics()));
			return (await idsOf(server)).join() === id;
		}, "only the new one is there");
		for (let scrapes = 0; scrapes < 40; scrapes++) shown.push(checkPage(await server.metrics()));
		assert.deepEqual(
			shown,
			shown.toSorted((one, other) => one - other),
		);
		assert.ok((shown.at(-1) ?? 0) <= 30, "ten of before, and of two collections at most");
		assert.deepEqual((await server.module(id)).collection?.error, undefined);
	});
}

test("a family that was refused for its owner's sake is there as soon as the owner's file is gone", async (t) => {
	const server = await startTestServer(t, { files: { "metrics/a.ts": COUNTS }, env: SELDOM });
	await until(async () => sampleOf(await server.metrics(), "moved_now") === 7, "the owner is collected");
	await server.save("metrics/z.ts", COUNTS.replace("g.set(7)", "g.set(8)"));
	await until(async () => (await server.module("metrics/z")).collection !== null, "the other one is collected");
	assert.equal(sampleOf(await server.metrics(), "moved_now"), 7);
	await server.remove("metrics/a.ts");
	await until(async () => {
		const value = sampleOf(await server.metrics(), "moved_now");
		assert.ok(value === 7 || value === 8, `there is always one: ${value}`);
		return value === 8;
	}, "it has what the owner had");
});

test("a file that is moved to and fro ends with one owner", async (t) => {
	const server = await startTestServer(t, { files: { "metrics/a.ts": COUNTS }, env: SELDOM });
	await until(async () => sampleOf(await server.metrics(), "moved_now") === 7, "it is collected");
	const [a, b] = ["metrics/a.ts", "metrics/b.ts"].map((file) => path.join(server.folder, file));
	for (let moves = 0; moves < 4; moves++) {
		const [from, to] = moves % 2 === 0 ? [a, b] : [b, a];
		await rename(from ?? "", to ?? "");
		const wanted = moves % 2 === 0 ? "metrics/b" : "metrics/a";
		await until(async () => {
			checkPage(await server.metrics());
			return (await idsOf(server)).includes(wanted);
		}, `${wanted} is there`);
	}
	await until(async () => {
		checkPage(await server.metrics());
		return (await idsOf(server)).join() === "metrics/a";
	}, "one is left");
});

/** @returns the counter */
function checkPage(text: string): number {
	const counted = sampleOf(text, 'moved_total{a="1"}');
	assert.ok(counted !== undefined && counted >= 10, `moved_total is ${counted}`);
	assert.equal(sampleOf(text, "moved_now"), 7);
	assert.ok((sampleOf(text, "moved_seconds_count") ?? 0) >= 1);
	const lines = text.split("\n").filter((line) => line.startsWith("moved_total{"));
	assert.equal(lines.length, 1, lines.join());
	return counted;
}

async function idsOf(server: TestServer): Promise<readonly string[]> {
	const { modules } = (await (await fetch(`${server.url}/api/modules`)).json()) as { modules: { id: string }[] };
	return modules.map(({ id }) => id);
}
