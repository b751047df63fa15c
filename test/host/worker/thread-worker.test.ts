import assert from "node:assert/strict";
import path from "node:path";
import { type TestContext, test } from "node:test";
import type { Worker } from "node:worker_threads";
import { HARD_HEAP_LIMIT_MB, startThread } from "../../../src/host/worker/thread-worker.ts";
import { serveFixture } from "../../support/served-fixture.ts";
import { until } from "../../support/until.ts";

const ENTRY = path.join(import.meta.dirname, "../../../workers/metric-worker.ts");
const ENDS = [
	{ fixture: "exits", reason: "exit" },
	{ fixture: "rejects", reason: "crash" },
] as const;

for (const { fixture, reason } of ENDS) {
	test(`a thread that ends by itself (${reason}) is gone, and nothing is started in its place`, async (t) => {
		const threads = watchThreads(t);
		const { worker, generation } = serve(t, fixture);
		await generation.start(10_000);
		assert.equal(threads.length, 1);
		await generation.collect(10_000).catch(() => undefined);
		assert.equal((await worker.ended).reason, reason);
		await worker.terminate();
		await until(() => threads.every(hasEnded), "all are gone");
		assert.equal(threads.length, 1);
	});
}

test("a thread that is stuck in a loop is ended, and nothing is started in its place", async (t) => {
	const threads = watchThreads(t);
	const { worker, generation } = serve(t, "loops");
	await generation.start(10_000);
	await generation.collect(100).catch(() => undefined);
	assert.equal(await worker.terminate(), true);
	assert.equal((await worker.ended).reason, "stopped");
	assert.deepEqual([threads.length, threads.every(hasEnded)], [1, true]);
});

/** Every thread with the limits of a module's that is started while the test runs; the test's own loader has one too. */
function watchThreads(t: TestContext): readonly Worker[] {
	const threads: Worker[] = [];
	const onWorker = (thread: Worker): void => {
		if (thread.resourceLimits?.maxOldGenerationSizeMb === HARD_HEAP_LIMIT_MB) threads.push(thread);
	};
	process.on("worker", onWorker);
	t.after(() => process.off("worker", onWorker));
	return threads;
}

function hasEnded(thread: Worker): boolean {
	return thread.threadId === -1;
}

function serve(t: TestContext, fixture: string) {
	const worker = startThread({ entry: ENTRY, env: {}, execArgv: [], compiledCode: {} });
	t.after(() => worker.terminate());
	const generation = serveFixture(worker, fixture, { onEvent: () => undefined, onOverrun: () => undefined });
	return { worker, generation };
}
