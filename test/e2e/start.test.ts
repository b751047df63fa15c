import assert from "node:assert/strict";
import { chmod, cp, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { freePort } from "../../src/stdio/free-port.ts";
import { startHostProcess } from "../support/host-process.ts";
import { until } from "../support/until.ts";

const ROOT = path.join(import.meta.dirname, "../..");

async function folderWithExamples(t: TestContext): Promise<string> {
	const folder = await mkdtemp(path.join(tmpdir(), "bulkhead-start-"));
	t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
	for (const kind of ["metrics", "mcps"]) await cp(path.join(ROOT, kind), path.join(folder, kind), { recursive: true });
	return folder;
}

test("node dist/main.js serves the examples, says so in one line, and ends with 0 on SIGTERM", async (t) => {
	const folder = await folderWithExamples(t);
	const host = startHostProcess(t, folder);
	const url = await host.ready();
	const ready = host
		.errors()
		.split("\n")
		.filter((line) => line.includes("ready at"));
	assert.equal(ready.length, 1);
	assert.match(ready[0] ?? "", /8 modules after \d+ ms/);

	const response = await fetch(`${url}/execute`, {
		method: "POST",
		headers: { "content-type": "application/json" },
		body: JSON.stringify({ tool_name: "add", arguments: { a: 2, b: 2 } }),
	});
	assert.equal(response.status, 200);
	assert.deepEqual((await readdir(folder)).toSorted(), [".bulkhead", "mcps", "metrics"]);
	host.child.kill("SIGTERM");
	assert.equal(await host.ended(), 0);
});

test("a call in flight finishes before the host stops", async (t) => {
	const host = startHostProcess(t, await folderWithExamples(t));
	const url = await host.ready();
	const answer = fetch(`${url}/execute`, {
		method: "POST",
		headers: { "content-type": "application/json" },
		body: JSON.stringify({ tool_name: "countdown", arguments: { steps: 10, stepMs: 50 } }),
	});
	await until(
		async () => (await (await fetch(`${url}/metrics`)).text()).includes('mcp_active_requests{tool_name="countdown"} 1'),
		"it runs",
	);
	host.child.kill("SIGTERM");
	assert.equal((await answer).status, 200);
	assert.equal(await host.ended(), 0);
});

test("a wrong configuration is told whole, with exit code 78", async (t) => {
	const host = startHostProcess(t, await folderWithExamples(t), { PORT: "http", CALL_TIMEOUT_MS: "-1" });
	assert.equal(await host.ended(), 78);
	assert.match(host.errors(), /PORT=http/);
	assert.match(host.errors(), /CALL_TIMEOUT_MS=-1/);
});

test("a port in use is one sentence and exit code 1", async (t) => {
	const first = startHostProcess(t, await folderWithExamples(t));
	const { port } = new URL(await first.ready());
	const second = startHostProcess(t, await folderWithExamples(t), { PORT: port });
	assert.equal(await second.ended(), 1);
	const sentences = second
		.errors()
		.trim()
		.split("\n")
		.filter((line) => line.includes("in use"));
	assert.equal(sentences.length, 1, second.errors());
});

test("missing module folders are made, with a warning", async (t) => {
	const folder = await mkdtemp(path.join(tmpdir(), "bulkhead-start-"));
	t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
	const host = startHostProcess(t, folder);
	await host.ready();
	assert.deepEqual((await readdir(folder)).toSorted(), [".bulkhead", "mcps", "metrics"]);
	assert.match(host.errors(), /"level":"warn"/);
});

test("after a death of the whole host it comes back, names the module that was the cause, and walls it off", async (t) => {
	const folder = await folderWithExamples(t);
	const suspect = `export async function start() { globalThis.process.kill(globalThis.process.pid, "SIGSEGV"); }
		export function process() {}`;
	await chmod(folder, 0o755);
	await writeFile(path.join(folder, "metrics/deadly.js"), suspect);
	const { port } = new URL(`http://127.0.0.1:${await freePort()}`);
	const host = startHostProcess(t, folder, { SANDBOX: "off", PORT: port });
	const url = `http://127.0.0.1:${port}`;
	await until(
		async () => {
			try {
				const module = (await (await fetch(`${url}/api/modules/metrics/deadly`)).json()) as {
					isolation: string;
					restarts: Record<string, number>;
				};
				return module.isolation === "process" && (module.restarts["crash"] ?? 0) >= 1;
			} catch {
				return false; // the host is down at the moment
			}
		},
		"the culprit crashes in a process of its own",
		30_000,
	);
	assert.match(host.errors(), /metrics\/deadly was starting each time the host died of late/);
	const page = async (): Promise<string> => (await fetch(`${url}/metrics`)).text();
	assert.match(await page(), /mcp_host_restarts_total\{reason="signal"\} [1-9]/);
	await until(async () => /^custom_metric_1\{/m.test(await page()), "the others are collected as ever");
});
