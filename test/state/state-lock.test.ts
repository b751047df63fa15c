import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { lockStateDir } from "../../src/state/state-lock.ts";

const never = (what: string): void => assert.fail(what);

function folderFor(t: TestContext): string {
	const folder = mkdtempSync(join(tmpdir(), "bulkhead-lock-"));
	t.after(() => rmSync(folder, { recursive: true, force: true }));
	return folder;
}

test("one host at a time holds the folder, and the next one after it", async (t) => {
	const stateDir = join(folderFor(t), "x".repeat(120), "state"); // longer than the path of a socket may be
	const first = await lockStateDir(stateDir, false, never);
	assert.equal(statSync(stateDir).mode & 0o777, 0o700);
	const refused = { code: "CONFIG_INVALID", message: /STATE_DIR=.* is in use by another host/ };
	await assert.rejects(lockStateDir(stateDir, false, never), refused);
	await assert.rejects(lockStateDir(stateDir, false, never), refused);
	first.release();
	first.release();
	(await lockStateDir(stateDir, false, never)).release();
});

test("who was killed holds it no longer, at once", async (t) => {
	const stateDir = folderFor(t);
	const code = `import { lockStateDir } from ${JSON.stringify(new URL("../../src/state/state-lock.ts", import.meta.url).href)};
		await lockStateDir(${JSON.stringify(stateDir)}, false, console.error); console.log("held"); setInterval(() => {}, 1000);`;
	const holder: ChildProcess = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", code], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	t.after(() => holder.kill("SIGKILL"));
	if (holder.stdout !== null) await once(holder.stdout, "data");
	await assert.rejects(lockStateDir(stateDir, false, never), { code: "CONFIG_INVALID" });
	holder.kill("SIGKILL");
	await once(holder, "exit");
	assert.ok(existsSync(join(stateDir, "host.sock")));
	(await lockStateDir(stateDir, false, never)).release();
});

test("of hosts that start at once after a crash, one gets it", async (t) => {
	const stateDir = folderFor(t);
	const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockStateDir(stateDir, false, never)));
	assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
	for (const result of results) if (result.status === "fulfilled") result.value.release();
});

test("a folder that cannot be one is named", async (t) => {
	const file = join(folderFor(t), "file");
	writeFileSync(file, "");
	for (const stateDir of [file, join(file, "below"), "/dev/null/state"]) {
		await assert.rejects(lockStateDir(stateDir, false, never), {
			code: "CONFIG_INVALID",
			message: new RegExp(`STATE_DIR=${stateDir} cannot be written`),
		});
	}
});
