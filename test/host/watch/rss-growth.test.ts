import assert from "node:assert/strict";
import { once } from "node:events";
import { test, type TestContext } from "node:test";
import { Worker } from "node:worker_threads";
import { attributeRise, createMemoryRise } from "../../../src/host/watch/rss-growth.ts";
import { processPageFaults, threadPageFaults, withThreadId } from "../../../src/host/worker/page-faults.ts";

const RISE_BYTES = 96 << 20;

/** The threads are real, and what they touch; what the process holds in all is set, since earlier tests leave garbage. */
function startWatch() {
	let rssBytes = 0;
	const watch = createMemoryRise<Thread>({ rss: () => rssBytes, riseBytes: RISE_BYTES });
	return { ...watch, grown: () => void (rssBytes += 2 * RISE_BYTES) };
}

test("the thread that touched the new memory is the cause, not the one that is busy", async (t) => {
	const watch = startWatch();
	const busy = await startThread(t);
	const grower = await startThread(t);
	for (const thread of [busy, grower]) {
		watch.add(thread);
		watch.sample(thread);
	}
	assert.equal(watch.look(1), undefined);
	await Promise.all([busy.run("churn"), grower.run("grow")]);
	watch.grown();
	assert.equal(watch.look(1), grower);
	assert.equal(watch.look(1), undefined, "what it was named for is no longer new");
});

test("what a thread touched before it was sampled is not held against it", async (t) => {
	const watch = startWatch();
	const earlier = await startThread(t);
	const grower = await startThread(t);
	await earlier.run("grow");
	watch.grown();
	assert.equal(watch.look(1), undefined);
	for (const thread of [earlier, grower]) {
		watch.add(thread);
		watch.sample(thread);
	}
	await Promise.all([earlier.run("churn"), grower.run("grow")]);
	watch.grown();
	assert.equal(watch.look(1), grower);
});

test("nobody is to blame for what main itself keeps", async (t) => {
	const watch = startWatch();
	const busy = await startThread(t);
	watch.add(busy);
	watch.sample(busy);
	await busy.run("churn");
	watch.grown();
	const kept = Buffer.alloc(2 * RISE_BYTES, 1);
	assert.equal(watch.look(1), undefined);
	assert.equal(kept[0], 1);
});

test("nobody is to blame for a thread that has ended", async (t) => {
	const watch = startWatch();
	const idle = await startThread(t);
	const grower = await startThread(t);
	watch.add(idle);
	watch.add(grower);
	await grower.run("grow");
	watch.grown();
	watch.delete(grower);
	assert.equal(watch.look(1), undefined);
});

test("only a thread of its own is told apart", async (t) => {
	const { tid } = withThreadId(() => undefined);
	assert.equal(tid, undefined);
	const grower = await startThread(t);
	assert.ok((grower.pageFaults() ?? 0) > 0);
	assert.ok((processPageFaults() ?? 0) > (grower.pageFaults() ?? 0));
	await grower.end();
	assert.equal(grower.pageFaults(), undefined);
});

const MB = 256; // pages of Linux in one

function named(rise: number, touched: Readonly<Record<string, number>>, main = 0): string | undefined {
	const list = Object.entries(touched).map(([worker, megabytes]) => ({ worker, pages: megabytes * MB }));
	const allPages = list.reduce((sum, { pages }) => sum + pages, main * MB);
	return attributeRise({ riseBytes: rise << 20, touched: list, allPages });
}

test("who touches much and gives it back is not taken for who keeps a little", () => {
	assert.equal(named(96, { churner: 1100, grower: 90 }), "grower");
	assert.equal(named(96, { churner: 1100, churnsToo: 400, grower: 90, idle: 2 }, 10), "grower");
	assert.equal(named(96, { churner: 1100, grower: 40, another: 45 }), undefined, "two that may be it");
	assert.equal(named(96, { churner: 1100, idle: 2 }, 90), undefined, "main grew");
});

test("a thread is named when the others cannot have kept as much, whatever it gave back", () => {
	assert.equal(named(96, { grower: 1100, idle: 2 }, 10), "grower");
	assert.equal(named(96, { grower: 96, idle: 40 }), "grower");
	assert.equal(named(96, { one: 60, another: 60 }), undefined);
	assert.equal(named(96, { idle: 5 }, 4), undefined, "nobody touched as much");
});

interface Thread {
	pageFaults(): number | undefined;
	run(what: "grow" | "churn"): Promise<void>;
	end(): Promise<unknown>;
}

/** A thread that keeps shared memory, or makes garbage for as long as that takes, when told to. */
async function startThread(t: TestContext): Promise<Thread> {
	const { started: worker, tid } = withThreadId(() => new Worker(SOURCE, { eval: true }));
	t.after(() => worker.terminate());
	await once(worker, "online");
	assert.ok(tid !== undefined, "the thread is known to Linux");
	return {
		pageFaults: () => threadPageFaults(tid),
		async run(what) {
			worker.postMessage(what);
			await once(worker, "message");
		},
		end: () => worker.terminate(),
	};
}

const SOURCE = `
	const { parentPort } = require("node:worker_threads");
	const kept = [];
	parentPort.on("message", (what) => {
		if (what === "grow") {
			const memory = new SharedArrayBuffer(${2 * RISE_BYTES});
			new Uint8Array(memory).fill(1);
			kept.push(memory);
		} else {
			for (let round = 0; round < 200_000; round++) kept[0] = { round, text: String(round) };
		}
		parentPort.postMessage("done");
	});
`;
