import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { bulkhead } from "../support/cli.ts";
import { testSetup } from "../support/test-server.ts";

interface Report {
	readonly modules: readonly {
		readonly id: string;
		readonly findings: readonly Finding[];
		readonly page: string;
		readonly tools: readonly { readonly name: string }[];
	}[];
	readonly ignored: readonly Finding[];
}

interface Finding {
	readonly rule: string;
	readonly severity: string;
	readonly file: string;
	readonly line?: number;
	readonly message: string;
}

const GAUGE = 'import { Gauge } from "prom-client";\n';
const GOOD = `${GAUGE}const g = new Gauge({ name: "queued", help: "What waits" });\nexport function process() { g.set(3); }`;
const answer = '() => ({ content: [{ type: "text", text: "ok" }] })';

/** What authors get wrong: the file, and where and what `check` says of it. */
const MISTAKES: Readonly<
	Record<string, { readonly source: string; readonly said: readonly (readonly [string, RegExp])[] }>
> = {
	"metrics/other_export.ts": {
		source: "export function collect() {}\nexport const value = 1;",
		said: [["metrics/other_export.ts load", /must export a function process\(\).*this one exports collect, value/]],
	},
	"metrics/environment.ts": {
		source: "const root = process.env.ROOT;\nexport function process() { return root; }",
		said: [["metrics/environment.ts:1 load", /`process` in this file is your own function.*node:process/]],
	},
	"metrics/syntax.ts": {
		source: "export function process() {\n\treturn (;\n}",
		said: [["metrics/syntax.ts:2 load", /Unexpected ";"/]],
	},
	"metrics/missing.js": {
		source: 'import { x } from "no-such-package";\nexport function process() { x(); }',
		said: [["metrics/missing.js:1 load", /no-such-package.*npm install/]],
	},
	"metrics/throws.js": {
		source: "export function process() {\n\tthrow new Error('no sensor');\n}",
		said: [["metrics/throws.js:2 collect_error", /no sensor/]],
	},
	"metrics/series.js": {
		source: `${GAUGE}const g = new Gauge({ name: "by_user", help: "x", labelNames: ["user"] });\nexport function process() { for (let i = 0; i < 20; i++) g.set({ user: String(i) }, 1); }`,
		said: [["metrics/series.js:2 dropped:series_limit", /by_user.*MODULE_MAX_SERIES, or maxSeries/]],
	},
	"metrics/units.js": {
		source: `import { Counter, Gauge } from "prom-client";\nconst g = new Gauge({ name: "wait_milliseconds", help: "x" });\nconst c = new Counter({ name: "jobsDone", help: "y" });\nexport function process() { g.set(1); c.inc(); }`,
		said: [
			["metrics/units.js:2 lint:base-unit", /wait_milliseconds is in milliseconds: .*wait_seconds/],
			["metrics/units.js:3 lint:counter-total", /jobsDone_total/],
			["metrics/units.js:3 lint:snake-case", /jobs_done/],
		],
	},
	"metrics/writes.js": {
		source: `import { writeFileSync } from "node:fs";\n${GAUGE}const g = new Gauge({ name: "w", help: "x" });\nexport function process() { g.set(1); writeFileSync("/tmp/never", ""); }`,
		said: [["metrics/writes.js:4 collect_error", /write/]],
	},
	"mcps/old_style.js": {
		source: `export default (server) => {\n\tserver.tool("a", ${answer});\n};`,
		said: [["mcps/old_style.js:2 load", /registerTool/]],
	},
	"mcps/dated.js": {
		source: `import { z } from "zod";\nexport default (server) => { server.registerTool("dated", { inputSchema: z.object({ when: z.date() }) }, ${answer}); };`,
		said: [["mcps/dated.js load", /dated.*(Date|date)/]],
	},
	"mcps/first.js": {
		source: `export default (server) => { server.registerTool("same", { description: "d" }, ${answer}); };`,
		said: [],
	},
	"mcps/second.js": {
		source: `export default (server) => {\n\tserver.registerTool("same", { description: "d" }, ${answer});\n};`,
		said: [["mcps/second.js:2 conflict", /same is refused, since mcps\/first had the name first/]],
	},
};

test("check names each mistake of an author with its place, and what to do; what is good it leaves alone", async (t) => {
	const files = Object.fromEntries(Object.entries(MISTAKES).map(([file, { source }]) => [file, source]));
	const { folder } = await testSetup(t, { files: { ...files, "metrics/good.js": GOOD, "metrics/other.py": "" } });
	const env = { MODULE_MAX_SERIES: "10", MODULE_START_TIMEOUT_MS: "60000" };
	const { code, stdout, stderr } = await bulkhead(["check", "--json"], { cwd: folder, env });
	assert.equal(code, 1, stderr);
	const { modules, ignored } = JSON.parse(stdout) as Report;
	const good = modules.find(({ id }) => id === "metrics/good");
	assert.deepEqual(good?.findings, []);
	assert.match(good?.page ?? "", /^queued 3$/m);
	for (const [file, { said }] of Object.entries(MISTAKES)) {
		const found = modules.find(({ id }) => id === file.replace(/\.\w+$/, ""))?.findings ?? [];
		const places = found.map((each) => `${each.file}${each.line === undefined ? "" : `:${each.line}`} ${each.rule}`);
		assert.deepEqual(
			places,
			said.map(([place]) => place),
			JSON.stringify(found),
		);
		for (const [index, [, message]] of said.entries()) assert.match(found[index]?.message ?? "", message);
	}
	assert.deepEqual(
		ignored.map(({ file, rule }) => [file, rule]),
		[["metrics/other.py", "ignored"]],
	);
	assert.ok(!existsSync(path.join(folder, ".bulkhead")), "the state of a host that runs here is its own");
});

test("modules are named by id, name or file; the text is for people, and has colours on a terminal alone", async (t) => {
	const files = {
		"metrics/good.js": GOOD,
		"mcps/desk.js": `export default (server) => { server.registerTool("greet", { description: "\\u001b[2JGreets" }, ${answer}); };`,
	};
	const { folder } = await testSetup(t, { files });
	const run = (...args: string[]) => bulkhead(["check", ...args], { cwd: folder });
	const all = await run();
	assert.equal(all.code, 0, all.stdout + all.stderr);
	assert.equal(
		all.stdout,
		[
			"mcps/desk running mcps/desk.js",
			"  TOOL   MODULE     ARGUMENTS  DESCRIPTION",
			"  greet  mcps/desk  -          \\x1b[2JGreets",
			"",
			"metrics/good running metrics/good.js",
			"  # HELP queued What waits",
			"  # TYPE queued gauge",
			"  queued 3",
			"",
			"2 modules checked: nothing to mend",
			"",
		].join("\n"),
	);
	assert.equal(all.stderr, "");
	const one = await run("./metrics/good.js");
	assert.match(one.stdout, /^metrics\/good running/);
	assert.match(one.stdout, /^1 module checked/m);
	const unknown = await run("nobody");
	assert.equal(unknown.code, 78);
	assert.match(unknown.stderr, /there is no module nobody in .*; there are: mcps\/desk, metrics\/good/);
});

test("where there is nothing to check, and where the configuration is wrong, one sentence says so with 78", async (t) => {
	const { folder } = await testSetup(t, {});
	const nothing = await bulkhead(["check"], { cwd: path.join(folder, "metrics") });
	assert.equal(nothing.code, 78);
	assert.match(
		nothing.stderr,
		/^bulkhead: there is neither .*metrics\/metrics nor .*metrics\/mcps: start it in the folder/,
	);
	assert.ok(!existsSync(path.join(folder, "metrics/metrics")), "no folder is made");
	const wrong = await bulkhead(["check"], { cwd: folder, env: { METRICS_DIR: "~/metrics" } });
	assert.equal(wrong.code, 78);
	assert.match(wrong.stderr, /METRICS_DIR=~\/metrics: must be a path without ~/);
	const policy = await bulkhead(["check"], { cwd: folder, env: { PLUGINS_FILE: "none.yaml" } });
	assert.equal(policy.code, 78);
	assert.match(policy.stderr, /none\.yaml/);
});
