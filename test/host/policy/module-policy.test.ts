import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_POLICY, parsePolicy } from "../../../src/host/policy/module-policy.ts";

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
	assert.deepEqual(disk.permissions, { read: ["/proc", "/sys"], net: false, childProcess: false });
	assert.deepEqual(
		[disk.memoryMb, disk.intervalMs, disk.maxSeries, disk.env, disk.enabled],
		[64, 30_000, 2000, ["DISK_ROOT"], true],
	);
	const shell = policy.of("mcps/shell");
	assert.deepEqual(shell.permissions, { read: ["/etc"], net: false, childProcess: true });
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
				permissions: { read: [], net: true, childProcess: false },
				isolation: "thread",
				enabled: true,
				env: [],
			},
		);
	}
});

test("all problems are told together, each with its line", () => {
	const parsed = parsePolicy(`defaults:
  memoryMb: 1
  permissions:
    write: [/]
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
			[4, "defaults.permissions.write"],
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
