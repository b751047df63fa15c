import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { sampleOf, startTestServer, type TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

// Short deadlines are for the modules that must miss them: a busy machine keeps those that behave waiting.
const TIMES = {
	COLLECT_INTERVAL_MS: "100",
	HANG_TIMEOUT_MS: "60000", // so that what is tested here is the deadline of the call or the collection
};
const TOOL = "mcps/misbehaves-in-a-tool";
const HURRIED = { "plugins.yaml": `modules: { ${TOOL}: { callTimeoutMs: 4000 } }` };
const TOOL_CASES = [
	{ how: "exit", reason: "exit", answer: /ended itself.*code: 3/, files: {} },
	{ how: "reject", reason: "crash", answer: /nobody handles this/, files: {} },
	{ how: "loop", reason: "call_timeout", answer: /did not answer within 4000 ms/, files: HURRIED },
] as const;

for (const { how, reason, answer, files } of TOOL_CASES) {
	test(`a tool that does "${how}" costs its own call, and its module is running again`, async (t) => {
		const server = await startTestServer(t, { examples: true, fixtures: [`${TOOL}.ts`], files, env: TIMES });
		const others = await answerAllAlong(t, server);

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
	const env = { ...TIMES, CALL_CONCURRENCY: "2" };
	const server = await startTestServer(t, { fixtures: [`${TOOL}.ts`], files: HURRIED, env });
	for (const waits of ["2", "4"]) {
		const both = await Promise.all([1, 2].map(() => server.execute("wait-for-cancellation", {})));
		assert.deepEqual(
			both.map(({ status }) => status),
			[504, 504],
		);
		const { status, body } = await server.execute("waits", {});
		assert.deepEqual([status, body.content?.[0]?.text], [200, waits], "the same generation has counted");
	}
	assert.deepEqual((await server.module(TOOL)).restarts, {});
});

test("a tool that ignores its cancellation is ended with its thread; the other calls there end first", async (t) => {
	const env = { ...TIMES, CALL_CONCURRENCY: "3" };
	const server = await startTestServer(t, { examples: true, fixtures: [`${TOOL}.ts`], files: HURRIED, env });
	const others = await answerAllAlong(t, server);
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
	await until(async () => (await server.module(TOOL)).generation === 2, "another generation has taken over", 30_000);
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
	const env = { ...TIMES, CALL_CONCURRENCY: "1", CALL_QUEUE: "1" };
	const server = await startTestServer(t, { fixtures: [`${TOOL}.ts`], env });
	const client = new AbortController();
	const given = fetch(`${server.url}/execute`, {
		method: "POST",
		headers: { "content-type": "application/json" },
		body: JSON.stringify({ tool_name: "wait", arguments: { ms: 3000 } }),
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
		env: { HANG_TIMEOUT_MS: "1000", COLLECT_INTERVAL_MS: "100", COLLECT_TIMEOUT_MS: "60000" },
	});
	await until(async () => ((await server.module("metrics/stuck")).restarts["hang"] ?? 0) >= 1, "the hang is noticed");
});

const PROCESS = "metrics/misbehaves-in-process";
const PROCESS_CASES = [
	{ how: "exit", reason: "exit", options: {} },
	{ how: "reject", reason: "crash", options: {} },
	{ how: "loop", reason: "collect_timeout", options: { timeoutMs: 3000 } },
	{ how: "hang", reason: "collect_timeout", options: { timeoutMs: 3000 } },
] as const;

for (const { how, reason, options } of PROCESS_CASES) {
	test(`a process() that does "${how}" keeps its last samples and is running again`, async (t) => {
		const server = await startTestServer(t, {
			examples: true,
			env: TIMES,
			files: { [`${PROCESS}.ts`]: await misbehaving(how, options) },
		});
		const others = await answerAllAlong(t, server);
		const restarts = async (): Promise<number> => (await server.module(PROCESS)).restarts[reason] ?? 0;
		await until(async () => (await restarts()) >= 1, `it is restarted (${reason})`, 30_000);
		assert.notEqual(sampleOf(await server.metrics(), "fine"), undefined, "the last good samples stay");
		const started = `mcp_server_starts_total{server_id="${PROCESS}",status="success"}`;
		await until(async () => (sampleOf(await server.metrics(), started) ?? 0) >= 2, "it is running again");
		await others.stop();
	});
}

test("a process() that throws costs that collection only", async (t) => {
	// Between two collections there is time enough to look at what came of the first.
	const source = await misbehaving("throw", { intervalMs: 4000 });
	const server = await startTestServer(t, { env: TIMES, files: { [`${PROCESS}.ts`]: source } });
	const success = `mcp_collect_success{server_id="${PROCESS}"}`;
	await until(async () => sampleOf(await server.metrics(), success) === 0, "the failed collection shows");
	await until(async () => sampleOf(await server.metrics(), success) === 1, "the next one is fine");
	assert.equal((await server.module(PROCESS)).generation, 1);
});

async function misbehaving(how: string, options: object): Promise<string> {
	const source = await readFile(path.join(import.meta.dirname, `../fixtures/modules/${PROCESS}.ts`), "utf8");
	return `const HOW = ${JSON.stringify(how)};\nexport const options = ${JSON.stringify(options)};\n${source}`;
}

const OTHERS = ['custom_metric_1{label1="example"}', "module_uptime_seconds"];

/** A client of everybody else: from its start on, each scrape and each call to another module must be answered. */
async function answerAllAlong(t: TestContext, server: TestServer): Promise<{ stop(): Promise<void> }> {
	const shown = (page: string): boolean => OTHERS.every((series) => sampleOf(page, series) !== undefined);
	await until(async () => shown(await server.metrics()), "the others have been collected");
	let going = true;
	let rounds = 0;
	const loop = (async () => {
		while (going) {
			const [page, sum] = await Promise.all([server.metrics(), server.execute("add", { a: rounds, b: 1 })]);
			assert.ok(shown(page));
			assert.equal(sum.body.content?.[0]?.text, String(rounds + 1));
			rounds += 1;
		}
	})();
	loop.catch(() => undefined); // stop() tells
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
