import assert from "node:assert/strict";
import { test } from "node:test";
import { BroadcastChannel } from "node:worker_threads";
import { MODULE_ID, runSandboxed } from "../../support/sandbox-run.ts";

for (const net of [true, false]) {
	test(`every built-in can be imported, extended and promisified, with net: ${net}`, async () => {
		const { value, error } = await runSandboxed("imports-every-builtin.mjs", { policy: { net } });
		assert.deepEqual(value, [], String(error?.stack));
	});
}

test("closed built-ins say what can be said without doing anything", async () => {
	const { value, error } = await runSandboxed("asks-closed-builtins-for-facts.mjs");
	assert.deepEqual(
		value,
		{
			child: [true, true, undefined, false],
			refused: Array<string>(3).fill("ERR_BULKHEAD_DENIED"),
			primary: [true, true, false],
			workers: {},
			domain: null,
			thread: [false, null],
			sea: false,
			colors: [false, false, 1],
			context: false,
			contextified: "symbol",
			emitter: [true, true],
			kill: "function",
			names: ["ChildProcess", "MessageChannel", "test", "test"],
		},
		String(error?.stack),
	);
});

for (const [how, caller] of [
	["viaTool", ", as its package @cloud/auth does"],
	["promised", ", as its package @cloud/auth does"],
	["module", ""],
] as const) {
	test(`a refusal names the package that called: ${how}`, async () => {
		const { error } = await runSandboxed("packages/calls-through-a-package.cjs", { argument: how });
		const advice = "plugins.yaml opens it with `permissions: { childProcess: true }`.";
		assert.equal(error?.message, `${MODULE_ID} may not use child_process.exec${caller}: ${advice}`);
	});
}

test("a step of Node's loader can be replaced, as libraries do that instrument others", async () => {
	assert.equal((await runSandboxed("replaces-a-loader-step.mjs")).value, "replaced");
});

test("the package works as long as it starts nothing", async () => {
	assert.equal((await runSandboxed("packages/calls-through-a-package.cjs", { argument: "value" })).value, 1);
});

for (const from of ["global", "import"]) {
	test(`a BroadcastChannel reaches nobody: ${from}`, async (t) => {
		const name = `bulkhead-test-${from}`;
		const channel = new BroadcastChannel(name);
		t.after(() => channel.close());
		let heard = 0;
		channel.onmessage = () => (heard += 1);
		const expected = { name, heard: 0, isTarget: true };
		const bare = await runSandboxed("broadcasts.mjs", { argument: [name, from], isLocked: false, hasFlags: false });
		assert.equal((bare.value as typeof expected).name, name);
		assert.equal(heard, 1, "without the lock it is heard here");
		const { value, error } = await runSandboxed("broadcasts.mjs", { argument: [name, from] });
		assert.deepEqual(value, expected, String(error?.stack));
		assert.equal(heard, 1);
	});
}
