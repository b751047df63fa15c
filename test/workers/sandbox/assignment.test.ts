import assert from "node:assert/strict";
import { test } from "node:test";
import { runSandboxed } from "../../support/sandbox-run.ts";

const AS_IN_PLAIN_NODE = {
	bind: true,
	call: true,
	apply: true,
	toString: true,
	map: [1, 2],
	later: [true, "later"],
	chunks: "pushed",
	text: "sliced",
	signal: "mine",
	target: "added",
	socket: "connected",
	stdout: true,
	stderr: true,
	mine: 1,
};

for (const fixture of ["assigns-like-libraries.cjs", "assigns-in-strict-code.mjs"]) {
	for (const net of [true, false]) {
		test(`the lock forbids no assignment: ${fixture}, net: ${net}`, async () => {
			const { value, error } = await runSandboxed(fixture, { policy: { net } });
			assert.deepEqual(value, AS_IN_PLAIN_NODE, String(error?.stack));
		});
	}
}
