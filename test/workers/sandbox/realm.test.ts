import assert from "node:assert/strict";
import { closeSync, fstatSync, openSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { MessageChannel, Worker } from "node:worker_threads";
import { type RpcClient, createRpcClient, RpcError } from "../../../workers/wire/rpc-client.ts";
import { readAnswer, readCollected, readStarted } from "../../../workers/wire/messages.ts";
import { FIXTURES, runSandboxed } from "../../support/sandbox-run.ts";

const DEADLINE_MS = 5000;
const readable = join(FIXTURES, "readable.txt");
const never = (): undefined => undefined;

/** A locked worker that has imported the fixture, seen from the host's end of its port. */
async function serveModule(t: TestContext, fixture: string, isLocked: boolean): Promise<RpcClient> {
	const { port1, port2 } = new MessageChannel();
	const worker = new Worker(`${FIXTURES}_served.ts`, {
		workerData: { port: port2, path: `${FIXTURES}${fixture}`, isLocked },
		transferList: [port2],
		execArgv: [],
		stderr: true,
	});
	worker.on("error", never); // an unlocked one may not survive
	t.after(async () => {
		port1.close();
		await worker.terminate();
	});
	const violations: string[] = [];
	t.after(() => assert.deepEqual(violations, []));
	const onViolation = (what: string): void => void violations.push(what);
	const client = createRpcClient(port1, { onEvent: never, onViolation, onOverrun: never }, DEADLINE_MS);
	const start = client.request("start", {} as never, { deadlineMs: DEADLINE_MS, read: readStarted });
	if (isLocked) await start;
	else await start.catch(never);
	return client;
}

test("the wire works while the module has broken every prototype that it can reach", async (t) => {
	const client = await serveModule(t, "breaks-everything.mjs", true);
	const call = () =>
		client.request("call", {} as never, { deadlineMs: DEADLINE_MS, read: (value) => readAnswer(value, 1000) });
	assert.deepEqual(await call(), { json: '{"result":0}' });
	const ping = await client.request("ping", null, { deadlineMs: DEADLINE_MS, read: (value) => value as null });
	assert.equal(ping, null);
	const failure = client.request("collect", { timeoutMs: 1 }, { deadlineMs: DEADLINE_MS, read: readCollected });
	await assert.rejects(failure, (error) => error instanceof RpcError && error.remote?.message === "the module failed");
	assert.deepEqual(await call(), { json: '{"result":0}' }, "no port has come into its hands");
});

test("Node's port behind the standard streams is gone", async () => {
	const bare = await runSandboxed("uses-node-stdio-port.mjs", { isLocked: false });
	assert.equal(bare.value, "function");
	assert.equal((await runSandboxed("uses-node-stdio-port.mjs")).error?.code, "NO_PORT");
});

test("the console does not keep the streams that it had before", async () => {
	const bare = await runSandboxed("finds-the-console-stream.mjs", { isLocked: false });
	assert.equal(bare.value, "found");
	assert.equal((await runSandboxed("finds-the-console-stream.mjs")).error?.code, "NO_PORT");
});

test("the pool's port is not to be had", async () => {
	const { error } = await runSandboxed("takes-the-parent-port.mjs");
	assert.match(error?.message ?? "", /null/);
});

test("a file handle has no native object whose class opens any descriptor", async (t) => {
	const descriptor = openSync(readable, "r");
	t.after(() => closeSync(descriptor));
	const { error } = await runSandboxed("closes-by-a-native-handle.mjs", { argument: [readable, descriptor] });
	assert.equal(error?.code, "NO_HANDLE");
	assert.ok(fstatSync(descriptor).isFile(), "it is open still");
	const lent = openSync(readable, "r");
	const bare = await runSandboxed("closes-by-a-native-handle.mjs", { argument: [readable, lent], isLocked: false });
	assert.equal(bare.value, "closed");
});

test("a file handle reads the file it was opened for, whatever it says its descriptor is", async (t) => {
	const descriptor = openSync(join(FIXTURES, "signals.mjs"), "r");
	t.after(() => closeSync(descriptor));
	const options = { argument: [readable, descriptor] };
	assert.equal((await runSandboxed("lies-about-its-handle.mjs", { ...options, isLocked: false })).value, "// Sig");
	assert.equal((await runSandboxed("lies-about-its-handle.mjs", options)).value, "one\ntw");
});

test("what is closed cannot be opened again", async () => {
	assert.deepEqual((await runSandboxed("stays-closed.mjs")).value, ["its own", "ERR_BULKHEAD_DENIED"]);
});

test("a terminal cannot be made of a descriptor", async () => {
	const { error } = await runSandboxed("opens-a-terminal.mjs", { argument: 0 });
	assert.match(`${error?.code} ${error?.message}`, /^ERR_BULKHEAD_DENIED .*tty\.ReadStream/);
});
