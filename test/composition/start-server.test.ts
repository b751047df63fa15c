import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { unwatchFile, watchFile } from "node:fs";
import { mkdir, open, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { startServer } from "../../src/composition/start-server.ts";
import { testSetup } from "../support/test-server.ts";

test("a policy that changes while the host is being made is in force when it is", async (t) => {
	const { folder, options } = await testSetup(t, { files: { "metrics/one.mjs": "export function process() {}" } });
	const policy = path.join(folder, "plugins.yaml");
	await writeFile(policy, "");
	// The file of the owners does not come to its end, so that the start stands still behind the reading of the policy.
	const owners = path.join(options.config.stateDir, "mcp-owners.jsonl");
	await mkdir(options.config.stateDir, { recursive: true });
	execFileSync("mkfifo", [owners]);
	const starting = startServer(options);
	const writer = await open(owners, "w"); // opens when the other end is read
	const changed = new Promise<void>((resolve) => {
		const told = (): void => {
			unwatchFile(policy, told);
			resolve();
		};
		watchFile(policy, { interval: 1000 }, told); // behind the host's own, where it watches already
	});
	await writeFile(policy, "modules: { metrics/one: { enabled: false } }");
	await changed;
	await writer.close();
	const server = await starting;
	try {
		const { state } = (await (await fetch(`${server.url}/api/modules/metrics/one`)).json()) as { state: string };
		assert.equal(state, "disabled");
	} finally {
		await server.close();
	}
});

test("a start that fails halfway leaves nothing open: its process ends by itself", async () => {
	const program = path.join(import.meta.dirname, "../fixtures/process/start-fails-halfway.ts");
	const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", program], { timeout: 20_000 });
	assert.equal(stdout, "the step of the sessions fails\n");
});

test("closing twice waits for the same end", async (t) => {
	const { options } = await testSetup(t);
	const server = await startServer(options);
	await Promise.all([server.close(), server.close()]);
	await assert.rejects(fetch(server.url));
	await server.close();
});
