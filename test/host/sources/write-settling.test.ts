import assert from "node:assert/strict";
import { appendFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { readStamp } from "../../../src/core/file-fingerprint.ts";
import { createStampReader } from "../../../src/host/sources/fingerprint-reader.ts";
import { createWriteSettling } from "../../../src/host/sources/write-settling.ts";
import { createModuleProject } from "../../support/module-project.ts";

test("a file that is replaced is whole at once", async (t) => {
	const { file, project, leftMs } = await track(t);
	renameSync(project.write("new.ts", "0123"), file);
	assert.equal(await leftMs(), 0);
});

test("an editor's save in place waits a moment, and no longer", async (t) => {
	const { file, clock, leftMs } = await track(t);
	writeFileSync(file, "0123456789ab");
	assert.equal(await leftMs(), 300);
	clock.now += 300;
	assert.equal(await leftMs(), 0);
});

test("a file that comes in parts waits until no more of it comes, however long each of them takes", async (t) => {
	const { file, clock, leftMs } = await track(t);
	truncateSync(file, 0);
	assert.equal(await leftMs(), 1500);
	for (let part = 0; part < 5; part++) {
		clock.now += 700;
		appendFileSync(file, "0123456789");
		assert.equal(await leftMs(), 1500, `part ${part}`);
	}
	clock.now += 1500;
	assert.equal(await leftMs(), 0);
});

test("one that never ends is taken as it is after half a minute", async (t) => {
	const { file, clock, leftMs } = await track(t);
	for (let seconds = 0; seconds <= 30; seconds++) {
		appendFileSync(file, "0123456789");
		assert.ok((await leftMs()) > 0);
		clock.now += 1000;
	}
	appendFileSync(file, "0123456789");
	assert.equal(await leftMs(), 0);
});

async function track(t: TestContext) {
	const project = createModuleProject(t);
	const file = project.write("metrics/disk.ts", "0123456789");
	const stamp = await readStamp(file);
	assert.ok(stamp !== undefined);
	const clock = { now: 1000 };
	const settling = createWriteSettling(() => clock.now);
	return {
		project,
		file,
		clock,
		leftMs: () => settling.leftMs(new Map([[file, stamp]]), createStampReader()),
	};
}
