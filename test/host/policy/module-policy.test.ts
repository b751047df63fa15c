import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { DEFAULT_POLICY, parsePolicy } from "../../../src/host/policy/module-policy.ts";

const NOTHING = { read: [], write: [], net: false, unix: [], childProcess: false };

test("a module's own settings win over the defaults, permission by permission", () => {
	const parsed = parsePolicy(`
defaults: { memoryMb: 64, permissions: { net: false, read: [/etc] } }
modules:
  metrics/disk: { env: [DISK_ROOT], permissions: { read: [/proc, /sys] }, intervalMs: 30000, maxSeries: 2000 }
  mcps/shell:   { isolation: process, permissions: { childProcess: true }, callTimeoutMs: 5000, enabled: false }
  mcps/none:
`);
	assert.ok(parsed.ok);
	const { policy } = parsed;
	assert.deepEqual(policy.moduleIds, ["metrics/disk", "mcps/shell", "mcps/none"]);
	const disk = policy.of("metrics/disk");
	assert.deepEqual(disk.permissions, { ...NOTHING, read: ["/proc", "/sys"] });
	assert.deepEqual(
		[disk.memoryMb, disk.intervalMs, disk.maxSeries, disk.env, disk.enabled],
		[64, 30_000, 2000, { DISK_ROOT: { from: "host" } }, true],
	);
	const shell = policy.of("mcps/shell");
	assert.deepEqual(shell.permissions, { ...NOTHING, read: ["/etc"], childProcess: true });
	assert.deepEqual([shell.isolation, shell.callTimeoutMs, shell.enabled], ["process", 5000, false]);
	assert.deepEqual(policy.of("mcps/none"), policy.of("mcps/anything-else"));
});

test("without a file, and with an empty one, a module has the network and nothing else", () => {
	const empty = parsePolicy("# nothing here\n");
	assert.ok(empty.ok);
	for (const policy of [DEFAULT_POLICY, empty.policy]) {
		const { permissions, isolation, enabled, env } = policy.of("metrics/x");
		assert.deepEqual(
			{ permissions, isolation, enabled, env },
			{
				permissions: { ...NOTHING, net: true },
				isolation: "thread",
				enabled: true,
				env: {},
			},
		);
	}
});

test("all problems are told together, each with its line", () => {
	const parsed = parsePolicy(`defaults:
  memoryMb: 1
  permissions:
    delete: [/]
modules:
  metrics/disk:
    isolation: vm
    permissions: { read: [proc] }
  not a module: {}
`);
	assert.ok(!parsed.ok);
	assert.deepEqual(
		parsed.problems.map(({ line, path }) => [line, path]).toSorted(([one], [other]) => Number(one) - Number(other)),
		[
			[2, "defaults.memoryMb"],
			[4, "defaults.permissions.delete"],
			[7, "modules.metrics/disk.isolation"],
			[8, "modules.metrics/disk.permissions.read.0"],
			[9, "modules.not a module"],
		],
	);
});

test("text that is no YAML, a key given twice and an alias bomb are problems, not exceptions", () => {
	const bomb = `a: &a [1,2,3]\nb: &b [${"*a,".repeat(200)}]\nc: [${"*b,".repeat(200)}]`;
	for (const [text, line] of [
		["modules: [1", 1],
		["modules: {}\nmodules: {}", 2],
		[bomb, 1],
		["just text", 1],
	] as const) {
		const parsed = parsePolicy(text);
		assert.ok(!parsed.ok, text.slice(0, 20));
		assert.equal(parsed.problems[0]?.line, line);
		assert.notEqual(parsed.problems[0]?.message, "");
	}
});

test("the network may be a list, and each entry that is no destination is told with its line", () => {
	const good = [
		"api.example.com:443",
		"*.internal.example:8080",
		"10.0.0.0/8:5432",
		"[::1]:*",
		"[fd00::/8]:443",
		"*:53",
	];
	const parsed = parsePolicy(JSON.stringify({ defaults: { permissions: { net: good } } }));
	assert.ok(parsed.ok);
	assert.deepEqual(parsed.policy.of("metrics/x").permissions.net, good);
	const bad = [
		"api.example.com",
		"https://api.example.com",
		"a:0",
		"a:65536",
		"a:b",
		"::1:80",
		"[::1/129]:80",
		"1.2.3.4.5:80",
		"256.1.1.1:80",
		"*.*.x:80",
		"a*.x:1",
		"[::1%eth0]:1",
		" a:1",
		"a b:1",
		":80",
	];
	for (const text of bad) {
		const refused = parsePolicy(`defaults:\n  permissions:\n    net: [${JSON.stringify(text)}]\n`);
		assert.ok(!refused.ok, text);
		assert.deepEqual([refused.problems.length, refused.problems[0]?.line], [1, 3], text);
		assert.match(refused.problems[0]?.message ?? "", /HOST:PORT/, text);
	}
	assert.ok(!parsePolicy("defaults: { permissions: { net: maybe } }").ok);
});

test("variables are granted by a list or a map, from the host, a file or the policy", () => {
	const parsed = parsePolicy(`modules:
  metrics/a: { env: [ONE, TWO] }
  metrics/b: { env: { ONE: true, TWO: { file: /run/secrets/two }, THREE: three, FOUR: 4 } }
`);
	assert.ok(parsed.ok);
	assert.deepEqual(parsed.policy.of("metrics/a").env, { ONE: { from: "host" }, TWO: { from: "host" } });
	assert.deepEqual(parsed.policy.of("metrics/b").env, {
		ONE: { from: "host" },
		TWO: { file: "/run/secrets/two" },
		THREE: { value: "three" },
		FOUR: { value: "4" },
	});
	for (const env of [
		"[1x]",
		"{ 1x: a }",
		"{ A: { file: relative } }",
		"{ A: { fil: /x } }",
		"{ A: [b] }",
		"{ A: false }",
		"text",
		"[[a]]",
	]) {
		const refused = parsePolicy(`modules:\n  metrics/a: { env: ${env} }\n`);
		assert.deepEqual(!refused.ok && refused.problems.map(({ line }) => line), [2], env);
	}
});

test("what is the host's own is not granted to be written, by whatever path", (t) => {
	const folder = mkdtempSync(join(tmpdir(), "bulkhead-policy-"));
	t.after(() => rmSync(folder, { recursive: true }));
	const own = join(folder, "state");
	mkdirSync(own);
	symlinkSync(own, join(folder, "link"));
	const write = (path: string) => parsePolicy(`modules:\n  mcps/a:\n    permissions: { write: [${path}] }\n`, [own]);
	for (const path of [own, "/", folder, join(own, "below/it"), join(folder, "link"), join(folder, "link/x")]) {
		const refused = write(path);
		assert.ok(!refused.ok, path);
		assert.deepEqual(
			refused.problems.map(({ line, path: at }) => [line, at]),
			[[3, "modules.mcps/a.permissions.write"]],
		);
	}
	for (const path of [join(folder, "states"), join(folder, "elsewhere/x")]) assert.ok(write(path).ok, path);
	for (const path of ["relative", `${folder}/x/../state`]) assert.ok(!write(path).ok, path);
});
