import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import process from "node:process";
import { test } from "node:test";
import { sampleOf, startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const gauge = (value: number): string =>
	`import { Gauge } from "prom-client"; const g = new Gauge({ name: "neighbour", help: "h" }); export function process() { g.set(${value}); }`;
const ENUM = `enum E { a0 = 'xxxxxxxxxxxxxxxx',\n${Array.from({ length: 26 }, (_, i) => ` a${i + 1} = a${i} + a${i},`).join("\n")}\n}\nexport function process() { return E.a26; }`;
/** The bombs take every core there is for some seconds, and on a small machine the neighbour's worker starts beside them. */
const SAVE_DEADLINE_MS = 60_000;
const BOMBS: Readonly<Record<string, string>> = {
	enum: ENUM,
	nested: `export function process() {}\n${"(".repeat(1_000_000)}`,
	warnings: `export function process() {}\nexport const v = [${"typeof y == 'foo',".repeat(9000)}];`,
	glob: "export const process = (x = 'a') => import(`../../../../../../../../${x}/b${x}`);",
	hidden:
		"const go = requ\\u0069re; export function process(x = 'a') { return [go, requ\\u0069re('../../../../../../' + x)]; }",
	json: 'import data from "./_huge.json"; export function process() { return data; }',
	source_map: "export function process() {}\n//# sourceMappingURL=_fifo",
};

test("what is hard to compile costs its own save: a neighbour is scraped, called and saved meanwhile", async (t) => {
	const server = await startTestServer(t, {
		files: { "metrics/neighbour.ts": gauge(0), "metrics/_huge.json": JSON.stringify("x".repeat(20 * 2 ** 20)) },
	});
	assert.equal(spawnSync("mkfifo", [path.join(server.folder, "metrics/_fifo")]).status, 0);
	const delay = monitorEventLoopDelay({ resolution: 5 });
	const before = process.memoryUsage().rss;
	delay.enable();
	for (const [name, source] of Object.entries(BOMBS)) await server.save(`metrics/bomb_${name}.ts`, source);
	let saves = 0;
	const failed = async (): Promise<boolean> => {
		const views = await Promise.all(
			Object.keys(BOMBS).map((name) => server.module(`metrics/bomb_${name}`).catch(() => undefined)),
		);
		// One that has not been compiled yet is not known at all.
		return views.every((view) => view?.state === "running" || typeof view?.load_error?.message === "string");
	};
	do {
		saves += 1;
		const begunAt = performance.now();
		await server.save("metrics/neighbour.ts", gauge(saves));
		await until(
			async () => sampleOf(await server.metrics(), "neighbour") === saves,
			`save ${saves} of the neighbour`,
			SAVE_DEADLINE_MS,
		);
		t.diagnostic(`save ${saves}: ${Math.round(performance.now() - begunAt)} ms`);
	} while (!(await failed()) && saves < 60);
	delay.disable();
	t.diagnostic(
		`longest stall of main: ${Math.round(delay.max / 1e6)} ms, growth ${Math.round((process.memoryUsage().rss - before) / 2 ** 20)} MiB`,
	);
	assert.ok(process.memoryUsage().rss - before < 256 * 2 ** 20, "main's memory is not the compiler's");
	const expected: Readonly<Record<string, RegExp>> = {
		enum: /more memory to compile/,
		nested: /to compile|too deeply/,
		glob: /computes a path in line 1 that leads out/,
		json: /_huge\.json is larger than 16 MiB/,
	};
	for (const [name, message] of Object.entries(expected)) {
		assert.match((await server.module(`metrics/bomb_${name}`)).load_error?.message ?? "", message, name);
	}
	assert.equal((await server.module("metrics/bomb_source_map")).state, "running");
	assert.equal((await server.module("metrics/neighbour")).load_error, null);
});

test("a module whose folder has a link that leads out is refused, and one that runs reads nothing through it", async (t) => {
	const nosy = `import { readFileSync } from "node:fs"; import { Gauge } from "prom-client";
const g = new Gauge({ name: "nosy_outcome", help: "h", labelNames: ["outcome"] });
export function process() {
	g.reset();
	try { g.set({ outcome: readFileSync(import.meta.dirname + "/out/.env", "utf8") }, 1); } catch (error) { g.set({ outcome: error.code }, 1); }
}`;
	const server = await startTestServer(t, {
		files: {
			".env": "SECRET=hunter2",
			"metrics/evil/index.ts": "export function process() {}",
			"metrics/nosy/index.ts": nosy,
		},
		env: { COLLECT_INTERVAL_MS: "100" },
	});
	assert.equal((await server.module("metrics/nosy")).state, "running");
	mkdirSync(path.join(server.folder, "metrics/late"), { recursive: true });
	symlinkSync(server.folder, path.join(server.folder, "metrics/late/out"));
	await server.save("metrics/late/index.ts", nosy.replace("nosy_outcome", "late_outcome"));
	symlinkSync(server.folder, path.join(server.folder, "metrics/nosy/out"));
	for (const name of ["late", "nosy"]) {
		await until(async () => {
			const view = await server.module(`metrics/${name}`).catch(() => undefined);
			return view?.load_error?.message.startsWith(`metrics/${name}/out is a symbolic link that leads out`) ?? false;
		}, `${name} is refused`);
	}
	await until(
		async () => (await server.metrics()).includes('nosy_outcome{outcome="ERR_BULKHEAD_DENIED"'),
		"what runs is refused it when it reads",
	);
	const page = await server.metrics();
	assert.doesNotMatch(page, /hunter2|late_outcome/);
});
