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

test("a tool that heeds its cancellation loses its call and keeps its module", async (t) => {
	const server = await startTestServer(t, { fixtures: [`${TOOL}.ts`], env: { ...TIMES, CALL_CONCURRENCY: "2" } });
	for (let round = 1; round <= 4; round++) {
		assert.equal((await server.execute("wait-for-cancellation", {})).status, 504);
		const { status, body } = await server.execute("waits", {});
		assert.deepEqual([status, body.content?.[0]?.text], [200, String(round)], "the same generation has counted");
	}
	assert.deepEqual((await server.module(TOOL)).restarts, {});
});

test("a tool that ignores its cancellation is ended with its thread; the other calls there end first", async (t) => {
	const env = { ...TIMES, CALL_TIMEOUT_MS: "2000", CALL_CONCURRENCY: "3" };
	const server = await startTestServer(t, { examples: true, fixtures: [`${TOOL}.ts`], env });
	const others = answerAllAlong(t, server);
	let neighbours = 0;
	let going = true;
	const neighbour = (async () => {
		while (going) {
			const { status, body } = await server.execute("wait", { ms: 100 });
			assert.deepEqual([status, body.content?.[0]?.text], [200, "waited 100 ms"]);
			neighbours += 1;
		}
	})();

	assert.equal((await server.execute("misbehave", { how: "hang" })).status, 504);
	await until(async () => (await server.module(TOOL)).generation === 2, "another generation has taken over");
	going = false;
	await neighbour;
	assert.ok(neighbours > 0);
	const { state, restarts, last_restart } = await server.module(TOOL);
	assert.deepEqual([state, restarts], ["running", { call_timeout: 1 }]);
	assert.match(last_restart?.problem.message ?? "", /ran on after its deadline/);
	const stopped = `mcp_server_stops_total{server_id="${TOOL}",status="graceful"}`;
	await until(async () => sampleOf(await server.metrics(), stopped) === 1, "the old thread is gone");
	await others.stop();
});

test("a call that its client has given up keeps its place until its module has ended it", async (t) => {
	const env = { ...TIMES, CALL_TIMEOUT_MS: "3000", CALL_CONCURRENCY: "1", CALL_QUEUE: "1" };
	const server = await startTestServer(t, { fixtures: [`${TOOL}.ts`], env });
	const client = new AbortController();
	const given = fetch(`${server.url}/execute`, {
		method: "POST",
		headers: { "content-type": "application/json" },
		body: JSON.stringify({ tool_name: "wait", arguments: { ms: 600 } }),
		signal: client.signal,
	});
	await until(async () => (await server.module(TOOL)).pending_calls === 1, "it runs");
	client.abort();
	await assert.rejects(given);
	await until(async () => (await server.module(TOOL)).pending_calls === 0, "it was given up");
	const { body } = await server.execute("running", {});
	assert.equal(body.content?.[0]?.text, "0", "this call had to wait for the one before");
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
	{ how: "hang", reason: "collect_timeout" },
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
