/** What authors of metric modules get wrong: it works, or the message says what to write. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleOf, startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const GAUGE = 'import { Gauge } from "prom-client";\nconst g = new Gauge({ name: "g", help: "x" });\n';

test("`process.env` beside an exported process() is explained, at load and in a collection, with the line", async (t) => {
	const server = await startTestServer(t, {
		files: {
			"metrics/at_load.ts": "const root = process.env.ROOT;\nexport function process() { return root; }",
			"metrics/in_process.ts": `${GAUGE}export function process() {\n\tg.set(process.memoryUsage().rss);\n}`,
		},
	});
	const atLoad = await server.module("metrics/at_load");
	assert.match(
		atLoad.load_error?.message ?? "",
		/^TypeError: process\.env: `process` in this file is your own function.*node:process/,
	);
	assert.deepEqual([atLoad.load_error?.file, atLoad.load_error?.line], ["metrics/at_load.ts", 1]);
	await until(async () => (await server.module("metrics/in_process")).collection !== null, "it is collected");
	const problem = (await server.module("metrics/in_process")).collection?.error?.problem;
	assert.match(problem?.message ?? "", /process\.memoryUsage: `process` in this file is your own function/);
	assert.deepEqual([problem?.file, problem?.line], ["metrics/in_process.ts", 4]);
});

test("a wrong export is named", async (t) => {
	const server = await startTestServer(t, {
		files: {
			"metrics/other.ts": "export function collect() {}\nexport const value = 1;",
			"metrics/nothing.ts": "const x = 1; console.log(x);",
			"metrics/default.ts": "export default function process() {}",
			"metrics/number.ts": "export const process = 7;",
		},
	});
	const messageOf = async (id: string): Promise<string> => (await server.module(id)).load_error?.message ?? "";
	assert.match(
		await messageOf("metrics/other"),
		/must export a function process\(\).*; this one exports collect, value$/,
	);
	assert.match(await messageOf("metrics/nothing"), /; this one exports nothing$/);
	assert.match(await messageOf("metrics/default"), /default-exports a function: write `export function process\(\)`/);
	assert.match(await messageOf("metrics/number"), /its `process` is a number$/);
});

test("metrics with a collect() need no process(), and an object as the default export will do", async (t) => {
	const server = await startTestServer(t, {
		files: {
			"metrics/alone.ts": `import { Gauge } from "prom-client";\nnew Gauge({ name: "alone", help: "x", collect() { this.set(3); } });`,
			"metrics/object.ts": `${GAUGE}export default { process() { g.set(4); } };`,
		},
	});
	await until(async () => sampleOf(await server.metrics(), "alone") === 3, "alone");
	await until(async () => sampleOf(await server.metrics(), "g") === 4, "object");
});

test("what looks like a module and is none is named under `ignored`", async (t) => {
	const files = [
		"a.py",
		"b.tsx",
		"c/main.ts",
		"d.ts.txt",
		"e.spec.ts",
		"f.config.ts",
		"README.md",
		"_g.ts",
		"h.ts~",
		"i/data.json",
	];
	const server = await startTestServer(t, {
		files: Object.fromEntries(files.map((file) => [`metrics/${file}`, "syntax error ("])),
	});
	const { modules, ignored } = (await (await fetch(`${server.url}/api/modules`)).json()) as {
		modules: readonly unknown[];
		ignored: readonly { file: string; problem: string }[];
	};
	assert.deepEqual(modules, []);
	assert.deepEqual(
		ignored.map(({ file }) => file),
		["metrics/a.py", "metrics/b.tsx", "metrics/c", "metrics/d.ts.txt"],
	);
	assert.match(ignored[2]?.problem ?? "", /index\.ts/);
});

test("an AggregatorRegistry is a registry", async (t) => {
	const server = await startTestServer(t, {
		files: {
			"metrics/cluster.ts": `
				import { AggregatorRegistry, Gauge } from "prom-client";
				export const registry = new AggregatorRegistry();
				const g = new Gauge({ name: "clustered", help: "x", registers: [registry] });
				export function process() { g.set(5); }`,
		},
	});
	await until(async () => sampleOf(await server.metrics(), "clustered") === 5, "it is collected");
});
