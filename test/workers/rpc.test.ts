import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { createRpcClient, type RpcClient, RpcError } from "../../workers/rpc.ts";
import { type RequestHandlers, serveRpc } from "../../workers/rpc-server.ts";

const isNull = (value: unknown): null | undefined => (value === null ? null : undefined);
const never = new Promise<never>(() => {});

interface Linked {
	readonly client: RpcClient;
	readonly violations: string[];
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
	const client = createRpcClient(port1, {
		onEvent: () => undefined,
		onViolation: (what) => void violations.push(what),
	});
	return { client, violations, forger: port2 };
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
