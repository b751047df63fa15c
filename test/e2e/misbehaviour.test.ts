import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { sampleOf, startTestServer, type TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const TIMES = {
	CALL_TIMEOUT_MS: "300",
	COLLECT_TIMEOUT_MS: "300",
	COLLECT_INTERVAL_MS: "100",
	HANG_TIMEOUT_MS: "60000", // so that what is tested here is the deadline of the call or the collection
};
const TOOL = "mcps/misbehaves-in-a-tool";
const TOOL_CASES = [
	{ how: "exit", reason: "exit", answer: /ended itself.*code: 3/ },
	{ how: "reject", reason: "crash", answer: /nobody handles this/ },
	{ how: "loop", reason: "call_timeout", answer: /did not answer within 300 ms/ },
] as const;

for (const { how, reason, answer } of TOOL_CASES) {
	test(`a tool that does "${how}" costs its own call, and its module is running again`, async (t) => {
		const server = await startTestServer(t, { examples: true, fixtures: [`${TOOL}.ts`], env: TIMES });
		const others = answerAllAlong(t, server);

		const failed = await server.execute("misbehave", { how });
		assert.ok(failed.status >= 500, `status ${failed.status}`);
		assert.match(failed.body.detail ?? "", answer);

		await until(async () => {
			const { state, generation } = await server.module(TOOL);
			return state === "running" && generation === 2;
		}, "the module is running again");
		const behaved = await server.execute("misbehave", { how: "not at all" });
		assert.equal(behaved.body.content?.[0]?.text, "behaved");
		const module = await server.module(TOOL);
		assert.deepEqual(module.restarts, { [reason]: 1 });
		assert.equal(module.last_restart?.reason, reason);
		assert.notEqual(module.last_restart?.problem.message, "");
		const page = await server.metrics();
		assert.equal(sampleOf(page, `mcp_server_restarts_total{server_id="${TOOL}",reason="${reason}"}`), 1);
		await others.stop();
	});
}

test("a tool that throws answers with isError, and nothing is restarted", async (t) => {
	const server = await startTestServer(t, { fixtures: [`${TOOL}.ts`] });
	const thrown = await server.execute("misbehave", { how: "throw" });
	assert.equal(thrown.status, 200);
	assert.equal(thrown.body.isError, true);
	assert.match(thrown.body.content?.[0]?.text ?? "", /thrown by the tool/);
	assert.deepEqual((await server.module(TOOL)).restarts, {});
});

test("a tool that only never answers loses its call and keeps its module", async (t) => {
	const server = await startTestServer(t, { fixtures: [`${TOOL}.ts`], env: TIMES });
	assert.equal((await server.execute("misbehave", { how: "hang" })).status, 504);
	assert.equal((await server.execute("misbehave", { how: "not at all" })).status, 200);
	assert.deepEqual((await server.module(TOOL)).restarts, {});
});

test("an idle module whose event loop is stuck is replaced within HANG_TIMEOUT_MS", async (t) => {
	const source = `import { Gauge } from "prom-client";
		new Gauge({ name: "before_the_loop", help: "h" }).set(1);
		export function process() { if (globalThis.seen) setTimeout(() => { for (;;); }); globalThis.seen = true; }`;
	const server = await startTestServer(t, {
		files: { "metrics/stuck.js": source },
		env: { HANG_TIMEOUT_MS: "200", COLLECT_INTERVAL_MS: "100", COLLECT_TIMEOUT_MS: "60000" },
	});
	await until(async () => ((await server.module("metrics/stuck")).restarts["hang"] ?? 0) >= 1, "the hang is noticed");
});

const PROCESS = "metrics/misbehaves-in-process";
const PROCESS_CASES = [
	{ how: "exit", reason: "exit" },
	{ how: "reject", reason: "crash" },
	{ how: "loop", reason: "collect_timeout" },
] as const;

for (const { how, reason } of PROCESS_CASES) {
	test(`a process() that does "${how}" keeps its last samples and is running again`, async (t) => {
		const server = await startTestServer(t, {
			examples: true,
			env: TIMES,
			files: { [`${PROCESS}.ts`]: await misbehaving(how) },
		});
		const others = answerAllAlong(t, server);
		await until(async () => ((await server.module(PROCESS)).restarts[reason] ?? 0) >= 1, `it is restarted (${reason})`);
		assert.notEqual(sampleOf(await server.metrics(), "fine"), undefined, "the last good samples stay");
		await until(async () => (await server.module(PROCESS)).state === "running", "it is running again");
		await others.stop();
	});
}

test("a process() that throws costs that collection only", async (t) => {
	const server = await startTestServer(t, { env: TIMES, files: { [`${PROCESS}.ts`]: await misbehaving("throw") } });
	const success = `mcp_collect_success{server_id="${PROCESS}"}`;
	await until(async () => sampleOf(await server.metrics(), success) === 0, "the failed collection shows");
	await until(async () => sampleOf(await server.metrics(), success) === 1, "the next one is fine");
	assert.equal((await server.module(PROCESS)).generation, 1);
});

async function misbehaving(how: string): Promise<string> {
	const source = await readFile(path.join(import.meta.dirname, `../fixtures/modules/${PROCESS}.ts`), "utf8");
	return `const HOW = ${JSON.stringify(how)};\n${source}`;
}

/** A client of everybody else: as long as it runs, each scrape and each call to another module must be answered. */
function answerAllAlong(t: TestContext, server: TestServer): { stop(): Promise<void> } {
	let going = true;
	let rounds = 0;
	const loop = (async () => {
		while (going) {
			const [page, sum] = await Promise.all([server.metrics(), server.execute("add", { a: rounds, b: 1 })]);
			assert.notEqual(
				sampleOf(page, 'custom_metric_1{label1="value1"}') ?? sampleOf(page, "module_uptime_seconds"),
				undefined,
			);
			assert.equal(sum.body.content?.[0]?.text, String(rounds + 1));
			rounds += 1;
		}
	})();
	t.after(() => {
		going = false;
	});
	return {
		async stop() {
			going = false;
			await loop;
			assert.ok(rounds > 0);
		},
	};
}
