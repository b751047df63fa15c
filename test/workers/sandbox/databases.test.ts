import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runSandboxed } from "../../support/sandbox-run.ts";

test("sqlite opens the granted files, and SQL reaches no other", async (t) => {
	const folder = realpathSync(mkdtempSync(join(tmpdir(), "bulkhead-sqlite-")));
	t.after(() => rmSync(folder, { recursive: true }));
	const granted = join(folder, "granted");
	mkdirSync(granted);
	symlinkSync(folder, join(granted, "out"));
	const file = join(granted, "own.db");
	const other = join(folder, "other.db");
	const policy = { write: [granted], read: [granted], databases: { read: [], write: [granted] } };
	const run = (argument: object, grants: object = policy) =>
		runSandboxed("opens-a-database.mjs", { policy: grants, argument });

	assert.equal((await run({ file })).value, "done");
	assert.equal((await run({ file: ":memory:" })).value, "done");
	for (const next of [
		"attach",
		"vacuum",
		"authorizer",
		"limits",
		"constructor",
		"prototype",
		"extension",
		"subclass",
		"backup",
	]) {
		for (const name of [file, ":memory:"]) {
			const { value, error } = await run({ file: name, options: { other }, next });
			assert.equal(value, undefined, next);
			assert.ok(error !== undefined, next);
		}
	}
	for (const name of [
		other,
		`file:${other}`,
		`${granted}/../other.db`,
		join(granted, "out/other.db"),
		"other.db",
		"",
	]) {
		const { error } = await run({ file: name });
		assert.equal(error?.code, "ERR_BULKHEAD_DENIED", name);
	}
	assert.ok(!existsSync(other));

	const readable = { read: [granted], databases: { read: [file], write: [] } };
	assert.equal((await run({ file }, readable)).error?.code, "ERR_BULKHEAD_DENIED");
	assert.equal((await run({ file, options: { readOnly: true }, next: "read" }, readable)).value, 1);
	assert.notEqual((await run({ file, options: { readOnly: true } }, readable)).value, "done");
});
