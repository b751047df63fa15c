import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import * as fc from "fast-check";
import { until } from "../../support/until.ts";
import { createRpcClient, type RpcClient, RpcError } from "../../../workers/wire/rpc-client.ts";
import { type RequestHandlers, serveRpc } from "../../../workers/wire/rpc-server.ts";

const isNull = (value: unknown): null | undefined => (value === null ? null : undefined);
const never = new Promise<never>(() => {});
const GRACE_MS = 50;

interface Linked {
	readonly client: RpcClient;
	readonly violations: string[];
	/** The types of the requests that did not end when they had to. */
	readonly overruns: string[];
	/** The worker's end, for what only a module that forges does. */
	readonly forger: MessagePort;
}

function link(t: TestContext, handlers: Partial<RequestHandlers> = {}): Linked {
	const { port1, port2 } = new MessageChannel();
	t.after(() => port1.close());
	const refuse = (): never => {
		throw new Error("not expected");
	};
	serveRpc(port2, { start: refuse, collect: refuse, call: refuse, ping: refuse, stop: refuse, ...handlers });
	const violations: string[] = [];
	const overruns: string[] = [];
	const listeners = {
		onEvent: () => undefined,
		onViolation: (what: string) => void violations.push(what),
		onOverrun: (type: string) => void overruns.push(type),
	};
	const client = createRpcClient(port1, listeners, GRACE_MS);
	return { client, violations, overruns, forger: port2 };
}

async function failureOf(request: Promise<unknown>): Promise<RpcError> {
	try {
		await request;
	} catch (error) {
		if (error instanceof RpcError) return error;
		throw error;
	}
	throw new Error("it did not fail");
}

test("a request is answered once, and what it threw comes back as data", async (t) => {
	const thrown = Object.assign(new TypeError("no"), { code: "E_NO" });
	const { client } = link(t, {
		ping: () => ({ result: null }),
		stop: () => {
			throw thrown;
		},
	});
	assert.equal(await client.request("ping", null, { deadlineMs: 1000, read: isNull }), null);
	const failure = await failureOf(client.request("stop", null, { deadlineMs: 1000, read: isNull }));
	assert.equal(failure.failure, "remote");
	assert.deepEqual(failure.remote, { name: "TypeError", message: "no", stack: thrown.stack, code: "E_NO" });
	assert.equal(client.pending(), 0);
});

test("a deadline ends the wait, tells the worker, and says whether it had begun", async (t) => {
	const cancelled = Promise.withResolvers<unknown>();
	const { client } = link(t, {
		ping: (_params, { signal }) => {
			signal.addEventListener("abort", () => cancelled.resolve(signal.reason));
			return never;
		},
	});
	const failure = await failureOf(client.request("ping", null, { deadlineMs: 20, read: isNull }));
	assert.deepEqual([failure.failure, failure.acked], ["timeout", true]);
	assert.equal(await cancelled.promise, "no answer within 20 ms");
});

test("an abort cancels in the worker; one that came before is not even sent", async (t) => {
	const begun = Promise.withResolvers<void>();
	const cancelled = Promise.withResolvers<unknown>();
	const { client } = link(t, {
		ping: (_params, { signal }) => {
			begun.resolve();
			signal.addEventListener("abort", () => cancelled.resolve(signal.reason));
			return never;
		},
	});
	const controller = new AbortController();
	const request = failureOf(
		client.request("ping", null, { deadlineMs: 1000, read: isNull, signal: controller.signal }),
	);
	await begun.promise;
	controller.abort("enough");
	assert.equal((await request).failure, "cancelled");
	assert.equal(await cancelled.promise, "enough");
	const late = await failureOf(
		client.request("ping", null, { deadlineMs: 1000, read: isNull, signal: controller.signal }),
	);
	assert.deepEqual([late.failure, late.acked], ["cancelled", false]);
});

test("a request that was given up is over once the worker has ended it", async (t) => {
	const ends = Promise.withResolvers<void>();
	const { client, overruns } = link(t, {
		collect: () => never,
		ping: async (_params, { signal }) => {
			await once(signal, "abort");
			await ends.promise;
			return { result: null };
		},
	});
	const left = Promise.withResolvers<{ readonly over: Promise<void> }>();
	const onLeftRunning = (over: Promise<void>): void => left.resolve({ over });
	const failure = await failureOf(client.request("ping", null, { deadlineMs: 10, read: isNull, onLeftRunning }));
	assert.equal(failure.failure, "timeout");
	assert.equal(client.pending(), 0);
	let isOver = false;
	const { over } = await left.promise;
	const watched = over.then(() => (isOver = true));
	assert.equal(isOver, false);
	ends.resolve();
	await watched;
	await failureOf(client.request("collect", { timeoutMs: 10 }, { deadlineMs: 10, read: () => undefined }));
	await until(() => overruns.length > 0, "one that does not end is noticed");
	assert.deepEqual(overruns, ["collect"], "the one before, which had less time, was not");
});

test("a request that goes on after its deadline and the grace is an overrun, cancelled or timed out", async (t) => {
	const { client, overruns } = link(t, { ping: () => never, collect: () => never });
	await failureOf(client.request("ping", null, { deadlineMs: 10, read: isNull }));
	const controller = new AbortController();
	const cancelled = failureOf(
		client.request("collect", { timeoutMs: 30 }, { deadlineMs: 30, read: () => undefined, signal: controller.signal }),
	);
	controller.abort("enough");
	assert.equal((await cancelled).failure, "cancelled");
	await until(() => overruns.length === 2, "both are noticed");
	assert.deepEqual(overruns, ["ping", "collect"]);
});

test("the end of the port ends what was given up, and is no overrun", async (t) => {
	const { client, overruns } = link(t, { ping: () => never });
	let over: Promise<void> | undefined;
	const onLeftRunning = (ends: Promise<void>): void => void (over = ends);
	await failureOf(client.request("ping", null, { deadlineMs: 10, read: isNull, onLeftRunning }));
	client.dispose("the module crashed");
	await over;
	assert.deepEqual(overruns, []);
});

test("dispose rejects what is pending and what comes later, and drained() ends", async (t) => {
	const { client } = link(t, { ping: () => never });
	const request = failureOf(client.request("ping", null, { deadlineMs: 1000, read: isNull }));
	const drained = client.drained(10_000);
	client.dispose("the module crashed");
	client.dispose("twice");
	assert.deepEqual([(await request).failure, (await request).message], ["closed", "the module crashed"]);
	await drained;
	assert.equal((await failureOf(client.request("ping", null, { deadlineMs: 1000, read: isNull }))).failure, "closed");
});

test("notifications of a call reach that call", async (t) => {
	const { client } = link(t, {
		call: (_params, { emit }) => {
			emit('{"method":"one"}');
			emit('{"method":"two"}');
			return { result: { json: "{}" } };
		},
	});
	const emitted: string[] = [];
	const call = { era: "legacy", method: "tools/call", params: "{}" } as const;
	await client.request("call", call, {
		deadlineMs: 1000,
		read: (value) => value as { json: string },
		onEmitted: (json) => void emitted.push(json),
	});
	assert.deepEqual(emitted, ['{"method":"one"}', '{"method":"two"}']);
});

test("what is not of the protocol is reported and changes nothing", async (t) => {
	const { client, violations, forger } = link(t, { ping: () => never });
	const request = client.request("ping", null, { deadlineMs: 1000, read: isNull });
	for (const forged of [
		null,
		7,
		"text",
		[],
		{ type: "done" },
		{ type: "done", id: "1", result: null },
		{ type: "logged", level: "fatal", text: "x" },
		{ type: "emitted", id: 1, json: { length: 1 } },
		{ type: "done", id: 99, result: null },
		{ type: "done", id: -1, result: null },
	]) {
		forger.postMessage(forged);
	}
	forger.postMessage({ type: "done", id: 1, result: null });
	assert.equal(await request, null);
	assert.equal(violations.length, 10);
});

test("an answer of the wrong shape is a violation, a second answer is nothing", async (t) => {
	const { client, violations, forger } = link(t, { ping: () => never });
	const wrong = failureOf(client.request("ping", null, { deadlineMs: 1000, read: isNull }));
	forger.postMessage({ type: "done", id: 1, result: "not null" });
	assert.equal((await wrong).failure, "violation");
	const right = client.request("ping", null, { deadlineMs: 1000, read: isNull });
	forger.postMessage({ type: "done", id: 1, result: null });
	forger.postMessage({ type: "done", id: 2, result: null });
	forger.postMessage({ type: "failed", id: 2, error: {} });
	assert.equal(await right, null);
	assert.deepEqual(violations, []);
});

test("whatever a worker sends, each request has the first answer that was meant for it, and no other", async (t) => {
	const anything = fc.anything({ maxDepth: 2, withBigInt: true, withDate: true, withMap: true, withTypedArray: true });
	const id = fc.oneof(
		{ weight: 4, arbitrary: fc.integer({ min: -1, max: 3 }) },
		{ weight: 1, arbitrary: anything.filter((each) => each !== 4) },
	);
	const type = fc.constantFrom(
		"done",
		"failed",
		"acked",
		"emitted",
		"asked",
		"withdrawn",
		"relisted",
		"pushed",
		"taskChanged",
		"updated",
		"logged",
		"started",
	);
	const message = fc.oneof(
		fc.record(
			{ type, id, result: fc.option(anything), error: anything, json: anything, session: anything, ask: id },
			{ requiredKeys: ["type"] },
		),
		anything,
	);
	await fc.assert(
		fc.asyncProperty(fc.array(message, { maxLength: 30 }), async (messages) => {
			const { client, forger } = link(t, { ping: () => never, stop: () => ({ result: null }) });
			const pings = [1, 2, 3].map(() => client.request("ping", null, { deadlineMs: 10_000, read: isNull }));
			const outcomes = pings.map((ping) => ping.catch((error: unknown) => (error as RpcError).failure));
			for (const each of messages) forger.postMessage(each);
			// Comes after all of them, over the same port, and still finds its own answer.
			assert.equal(await client.request("stop", null, { deadlineMs: 10_000, read: isNull }), null);
			client.dispose("the end");
			const first = (ping: number): unknown =>
				messages.map((each) => outcomeOf(each, ping)).find((outcome) => outcome !== undefined);
			assert.deepEqual(
				await Promise.all(outcomes),
				[1, 2, 3].map((ping) => (first(ping) === "null" ? null : (first(ping) ?? "closed"))),
			);
		}),
		{ numRuns: RUNS },
	);
});

/** What a message makes of a ping that waits: nothing, unless it is a well-formed answer to it. */
function outcomeOf(message: unknown, ping: number): "null" | "violation" | "remote" | undefined {
	if (typeof message !== "object" || message === null) return undefined;
	const { type, id, result } = message as Record<string, unknown>;
	if (id !== ping) return undefined;
	if (type === "done") return result === null ? "null" : "violation";
	return type === "failed" ? "remote" : undefined;
}

const RUNS = 200;
