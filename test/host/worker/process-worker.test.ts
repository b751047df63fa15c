import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, realpathSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import type { Generation } from "../../../src/host/runner/generation.ts";
import { type ProcessOptions, startProcess } from "../../../src/host/worker/process-worker.ts";
import { startThread } from "../../../src/host/worker/thread-worker.ts";
import type { ModuleWorker, WorkerEnd } from "../../../src/host/worker/worker.ts";
import { findUnreadable, separateUser } from "../../../src/host/worker/process-user.ts";
import { RpcError } from "../../../workers/wire/rpc-client.ts";
import { CLIENT, serveFixture } from "../../support/served-fixture.ts";
import { until } from "../../support/until.ts";

const ROOT = path.join(import.meta.dirname, "../../..");
const FIXTURES = path.join(ROOT, "test/fixtures/process");
const METRIC_ENTRY = path.join(ROOT, "workers/metric-worker.ts");
const MCP_ENTRY = path.join(ROOT, "workers/mcp-worker.ts");
/** What some guarantees need; every Debian has it. */
const HAS_UTIL_LINUX = existsSync("/usr/bin/setpriv") && existsSync("/usr/bin/prlimit");

interface Started {
	readonly worker: ModuleWorker;
	readonly generation: Generation;
	readonly lines: string[];
}

/** A fixture in a process, and a check that nothing of it is left afterwards. */
function inProcess(t: TestContext, fixture: string, more: Partial<ProcessOptions> = {}): Started {
	checkLeftovers(t);
	const lines: string[] = [];
	const worker = startProcess({
		entry: METRIC_ENTRY,
		env: {},
		cwd: emptyFolder(t),
		execArgv: [],
		memoryMb: 64,
		user: undefined,
		reads: [],
		maxBodyBytes: 4 << 20,
		onOutput: (stream, line) => void lines.push(`${stream}: ${line}`),
		...more,
	});
	return { worker, generation: serve(worker, fixture, lines), lines };
}

/** @param lines takes what the module prints, which comes over the protocol: its streams are the runtime's */
function serve(worker: ModuleWorker, fixture: string, lines: string[] = []): Generation {
	const generation = serveFixture(worker, fixture, {
		onEvent: (event) => {
			if (event.type === "logged") lines.push(`${event.level === "info" ? "stdout" : "stderr"}: ${event.text}`);
		},
		onOverrun: (type) => assert.fail(type),
		// Main counts a flood by its messages as well; the other fixtures send what they may.
		onViolation: (what) => assert.ok(fixture === "floods" && what.startsWith("sent more than it may"), what),
	});
	generations.add(generation);
	return generation;
}

function emptyFolder(t: TestContext): string {
	const folder = mkdtempSync(path.join(tmpdir(), "module-process-"));
	t.after(() => rmSync(folder, { recursive: true }));
	return folder;
}

const generations = new Set<Generation>();
const openFiles = (): number => readdirSync("/proc/self/fd").length;

function checkLeftovers(t: TestContext): void {
	const filesBefore = openFiles();
	const childrenBefore = childrenOf(process.pid);
	t.after(async () => {
		for (const generation of generations) await generation.kill("the test is over");
		generations.clear();
		await until(() => openFiles() <= filesBefore, "descriptors are still open");
		const left = childrenOf(process.pid).filter((pid) => !childrenBefore.includes(pid));
		assert.deepEqual(left, [], "a process is left");
	});
}

function childrenOf(parent: number): readonly number[] {
	return readdirSync("/proc")
		.filter((name) => /^\d+$/.test(name) && parentOf(Number(name)) === parent)
		.map(Number);
}

function parentOf(pid: number): number | undefined {
	try {
		// "pid (name) state parent …"; the name may hold anything.
		return Number(readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.split(" ")[1]);
	} catch {
		return undefined;
	}
}

const isAlive = (pid: number): boolean => parentOf(pid) !== undefined;

async function failureOf(request: Promise<unknown>): Promise<RpcError> {
	const outcome = await request.then(
		() => undefined,
		(error: unknown) => error,
	);
	assert.ok(outcome instanceof RpcError, `expected an RpcError, got ${String(outcome)}`);
	return outcome;
}

/** Starts the fixture, lets it misbehave in process(), and says how it ended. */
async function misbehave(t: TestContext, fixture: string, more: Partial<ProcessOptions> = {}): Promise<WorkerEnd> {
	const { generation } = inProcess(t, fixture, more);
	await generation.start(10_000);
	const failure = await failureOf(generation.collect(20_000));
	assert.equal(failure.failure, "closed");
	return generation.ended;
}

const messageOf = (end: WorkerEnd): string => (end.reason === "stopped" ? "" : end.error.message);

const ENDINGS: readonly {
	fixture: string;
	reason: WorkerEnd["reason"];
	says: RegExp;
	more?: Partial<ProcessOptions>;
}[] = [
	{ fixture: "kills-itself", reason: "crash", says: /^its process was killed by SIGKILL \(from outside/ },
	{ fixture: "segfaults", reason: "crash", says: /^its process was killed by SIGSEGV / },
	{ fixture: "aborts", reason: "crash", says: /^its process was killed by SIGABRT / },
	{ fixture: "grows-a-map", reason: "out_of_memory", says: /^FATAL ERROR: .*(heap out of memory|Allocation failed)/ },
	{ fixture: "exits", reason: "exit", says: /^its process exited with code 3$/ },
	{ fixture: "exits-well", reason: "exit", says: /^its process exited with code 0$/ },
	{ fixture: "rejects", reason: "crash", says: /^nobody handles this$/ },
	{ fixture: "writes-garbage", reason: "crash", says: /^its process wrote bytes to its pipe that are no message$/ },
	{
		fixture: "announces-too-much",
		reason: "crash",
		says: /^its process sent a result of 4294967295 bytes; 4194304 are/,
	},
	{ fixture: "closes-its-pipe", reason: "crash", says: /^its process closed its pipe to the host$/ },
	{
		fixture: "floods",
		reason: "crash",
		says: /^its process sent more than it was asked for, for too long; send less$/,
		more: { flood: { perSecond: 2000, burst: 1000, patienceMs: 300 } },
	},
];

for (const { fixture, reason, says, more } of ENDINGS) {
	test(`a module that ${fixture.replaceAll("-", " ")} ends alone, and the reason is told`, async (t) => {
		const end = await misbehave(t, fixture, more);
		assert.equal(end.reason, reason, messageOf(end));
		assert.match(messageOf(end), says);
	});
}

test("what nobody caught arrives whole", async (t) => {
	const end = await misbehave(t, "rejects");
	assert.ok(end.reason === "crash");
	assert.deepEqual([end.error.name, end.error.code], ["RangeError", "E_NOBODY"]);
	assert.match(end.error.stack ?? "", /rejects\.js:2/);
});

test("an error that the module handles itself is not taken for the reason of a later exit", async (t) => {
	const { generation } = inProcess(t, "throws-and-handles");
	await generation.start(10_000);
	await generation.collect(5000);
	assert.equal(await generation.responds(5000), true);
	await failureOf(generation.collect(5000));
	assert.deepEqual(await generation.ended, {
		reason: "exit",
		error: { name: "Error", message: "its process exited with code 1" },
	});
});

for (const fixture of ["blocks-for-ever", "blocks-in-a-child"]) {
	test(`a module that ${fixture.replaceAll("-", " ")} does not idle, does not respond, and is ended at once`, async (t) => {
		const { worker, generation } = inProcess(t, fixture);
		await generation.start(10_000);
		await until(() => worker.idleMs() > 0, "it has not idled");
		const collected = failureOf(generation.collect(20_000));
		assert.equal(await generation.responds(200), false);
		const idleMs = worker.idleMs();
		assert.equal(await generation.responds(200), false);
		assert.equal(worker.idleMs(), idleMs);
		const begunAt = performance.now();
		assert.equal(await worker.terminate(), true);
		assert.ok(performance.now() - begunAt < 10_000);
		assert.equal((await collected).failure, "closed");
		assert.deepEqual(await generation.ended, { reason: "stopped" });
	});
}

test("a process that reads nothing is ended when too much waits for it", async (t) => {
	const { generation } = inProcess(t, "blocks-for-ever");
	await generation.start(10_000);
	void failureOf(generation.collect(20_000));
	const call = { era: "legacy", method: "tools/call", params: JSON.stringify({ text: "x".repeat(1 << 20) }) } as const;
	const calls = Array.from({ length: 40 }, () => failureOf(generation.call(call, { deadlineMs: 20_000 })));
	for (const { failure } of await Promise.all(calls)) assert.equal(failure, "closed");
	assert.match(messageOf(await generation.ended), /^its process does not read: \d+ bytes wait for it$/);
});

test("a flood does not hold up the host", async (t) => {
	const { generation } = inProcess(t, "floods", { flood: { perSecond: 2000, burst: 20_000, patienceMs: 1000 } });
	await generation.start(10_000);
	void failureOf(generation.collect(20_000));
	let ended = false;
	void generation.ended.then(() => {
		ended = true;
	});
	// Counted and not timed, since the processors are shared: a host that read all there is would hardly come by here.
	let turns = 0;
	while (!ended) {
		await new Promise((resolve) => setImmediate(resolve));
		turns += 1;
	}
	assert.ok(turns > 100, `the event loop of the host turned ${turns} times`);
	assert.equal((await generation.ended).reason, "crash");
});

test("a module that does not load fails to start, and a worker that does not is a crash that says why", async (t) => {
	const { generation } = inProcess(t, "does-not-load");
	assert.equal((await failureOf(generation.start(10_000))).remote?.message, "thrown while loading");

	const missing = inProcess(t, "exits", { entry: path.join(ROOT, "workers/missing-worker.ts") });
	await failureOf(missing.generation.start(10_000));
	assert.match(messageOf(await missing.generation.ended), /Cannot find module .*missing-worker\.ts/);
});

test("a process that cannot be started has ended with the reason", async (t) => {
	const { worker } = inProcess(t, "exits", { cwd: "/nowhere" });
	const end = await worker.ended;
	assert.equal(end.reason, "crash");
	assert.match(messageOf(end), /ENOENT/);
	assert.equal(await worker.terminate(), true);
});

test("stop lets stop() run, ends what stays, and terminate is safe before, during and after", async (t) => {
	const { worker, generation, lines } = inProcess(t, "stays-after-stop");
	await generation.start(10_000);
	await generation.stop(5000);
	assert.deepEqual(await generation.ended, { reason: "stopped" });
	assert.equal(await worker.terminate(), true);
	worker.port.postMessage({ type: "ping", id: 1, params: null }, []);

	const early = inProcess(t, "stays-after-stop");
	assert.deepEqual(await Promise.all([early.worker.terminate(), early.worker.terminate()]), [true, true]);
	assert.deepEqual(await early.worker.ended, { reason: "stopped" });
	assert.deepEqual(
		lines.filter((line) => line !== "stdout: stopped"),
		[],
	);
});

test("what a module started is ended with it", async (t) => {
	const { generation, lines } = inProcess(t, "leaves-a-child");
	await generation.start(10_000);
	await generation.collect(5000);
	await until(() => lines.length > 0, "it has not said what it started");
	const pid = Number(/child (\d+)/.exec(lines[0] ?? "")?.[1]);
	assert.equal(isAlive(pid), true);
	await generation.kill("enough");
	await until(() => !isAlive(pid) || isZombie(pid), "its child is still there");
});

test("what has left its group as well, where each module has a user", { skip: process.getuid?.() !== 0 }, async (t) => {
	const { generation, lines } = inProcess(t, "leaves-a-daemon", { user: { uid: 64_998, gid: 64_998 }, cwd: "/" });
	await generation.start(10_000);
	await generation.collect(5000);
	await until(() => lines.length > 0, "it has not said what it started");
	const pid = Number(/child (\d+)/.exec(lines[0] ?? "")?.[1]);
	assert.equal(isAlive(pid), true);
	await generation.kill("enough");
	await until(() => !isAlive(pid) || isZombie(pid), "its daemon is still there");
});

/** An orphan whose new parent has not asked for it yet. */
function isZombie(pid: number): boolean {
	return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
}

test("a module in an endless loop ends when its host is killed", { skip: !HAS_UTIL_LINUX }, async (t) => {
	checkLeftovers(t);
	const host = spawn(process.execPath, [path.join(FIXTURES, "host-to-be-killed.ts")], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	let said = "";
	host.stdout.setEncoding("utf8").on("data", (text: string) => {
		said += text;
	});
	await until(() => /^looping \d+$/m.test(said), "it does not loop");
	const pid = Number(/\d+/.exec(said)?.[0]);
	assert.equal(isAlive(pid), true);
	host.kill("SIGKILL");
	await once(host, "exit");
	await until(() => !isAlive(pid) || isZombie(pid), "it outlived its host");
});

test("output is passed on line by line, and a flood of it is cut", async (t) => {
	const { generation, lines } = inProcess(t, "prints");
	await generation.start(10_000);
	await generation.collect(5000);
	await until(() => lines.length === 2, "it has not printed");
	assert.deepEqual(lines.toSorted(), ["stderr: to standard error", "stdout: to standard output"]);

	const flood = inProcess(t, "prints-without-end");
	await flood.generation.start(10_000);
	void failureOf(flood.generation.collect(20_000));
	await until(() => flood.lines.some((line) => / bytes of output were dropped/.test(line)), "nothing was dropped");
	assert.ok(flood.lines.length < 200, `${flood.lines.length} lines were passed on`);
});

test("a process knows nothing of the host: not its environment, its folder, or, as root, its user", async (t) => {
	process.env["HOST_SECRET"] = "secret";
	t.after(() => delete process.env["HOST_SECRET"]);
	const user = separateUser("mcps/any");
	if (user !== undefined && findUnreadable([ROOT, CLIENT, process.execPath], user) !== undefined) {
		return t.skip("this checkout lies where no other user can read it");
	}
	const cwd = emptyFolder(t);
	const { generation, lines } = inProcess(t, "tells", { env: { GRANTED: "yes" }, user, cwd });
	await generation.start(10_000);
	await generation.collect(5000);
	await until(() => lines.length > 0, "it has told nothing");
	const told = JSON.parse((lines[0] ?? "").replace("stdout: ", "")) as { coreBytes: string };
	assert.deepEqual(told, {
		env: { GRANTED: "yes" },
		cwd,
		uid: user?.uid ?? process.getuid?.(),
		oomScoreAdjustment: "500",
		coreBytes: HAS_UTIL_LINUX ? "0" : told.coreBytes,
		noNewPrivileges: HAS_UTIL_LINUX ? "1" : "0",
	});

	if (user === undefined) return;
	const signals = inProcess(t, "signals-the-host", { user });
	await signals.generation.start(10_000);
	assert.equal((await failureOf(signals.generation.collect(5000))).remote?.code, "EPERM");
});

test("under another user, what that user cannot read is named before anything is started", async (t) => {
	const folder = emptyFolder(t); // mkdtemp makes it readable to its owner only
	const { worker } = inProcess(t, "exits", {
		user: { uid: 65533, gid: 65533 },
		reads: [path.join(folder, "bundle.mjs")],
	});
	const end = await worker.ended;
	assert.equal(end.reason, "crash");
	// Where only root may enter this checkout, it is what is named first.
	assert.match(messageOf(end), /runs as user 65533, who cannot read .+: allow it \(chmod o\+x .+\)/);
	assert.match(
		findUnreadable([path.join(folder, "bundle.mjs")], { uid: 65533, gid: 65533 }) ?? "",
		new RegExp(`runs as user 65533, who cannot read ${folder}: allow it \\(chmod o\\+x ${folder}\\)`),
	);
});

test("it works, and is held, under the permission model without the network", async (t) => {
	const flags = ["--permission", `--allow-fs-read=${path.join(ROOT, "workers")}`, `--allow-fs-read=${FIXTURES}`];
	const reads = ["package.json", "node_modules"].map(
		(name) => `--allow-fs-read=${realpathSync(path.join(ROOT, name))}`,
	);
	const held = inProcess(t, "blocks-in-a-child", { execArgv: [...flags, ...reads] });
	await held.generation.start(10_000);
	assert.equal((await failureOf(held.generation.collect(5000))).remote?.code, "ERR_ACCESS_DENIED");
	assert.equal(await held.generation.responds(5000), true);
});

test("memory outside of the heap shows in its usage", async (t) => {
	const { worker, generation } = inProcess(t, "keeps-buffers");
	await generation.start(10_000);
	const { heldBytes: before } = await worker.memoryUsage();
	assert.ok(before < 64 << 20, `an empty module counts as ${before >> 20} MiB`);
	await generation.collect(10_000);
	const grown = (await worker.memoryUsage()).heldBytes - before;
	assert.ok(grown > 100 << 20 && grown < 200 << 20, `it grew by ${grown >> 20} MiB`);
	await generation.kill("enough");
	assert.deepEqual(await worker.memoryUsage(), { heldBytes: 0, bytes: {} });
});

test("a thread and a process give the same answers", async (t) => {
	const answersOf = async (worker: ModuleWorker): Promise<unknown> => {
		const generation = serve(worker, "behaves");
		const emitted: string[] = [];
		const call = (name: string, args: Readonly<Record<string, unknown>>) =>
			generation.call(
				{
					era: "legacy",
					method: "tools/call",
					params: JSON.stringify({ name, arguments: args, _meta: { progressToken: "p" } }),
				},
				{ deadlineMs: 5000, onEmitted: (json) => void emitted.push(json) },
			);
		const started = await generation.start(10_000);
		const answers = [
			await call("echo", { text: "\u{1f6a2} \ud800 \0 é" }),
			await call("echo", { text: 7 }),
			await call("echo", { text: "x".repeat(500_000) }),
			await call("echo", { text: "x".repeat(2_000_000) }).catch((error: RpcError) => error.remote?.message),
			await call("fail", {}),
			await call("unknown", {}),
		];
		const { snapshot } = await generation.collect(5000);
		await generation.stop(5000);
		return { started, answers, emitted, snapshot: Buffer.from(snapshot ?? []).toString(), end: await generation.ended };
	};
	checkLeftovers(t);
	const thread = await answersOf(startThread({ entry: MCP_ENTRY, env: {}, execArgv: [], compiledCode: {} }));
	const other = startProcess({
		entry: MCP_ENTRY,
		env: {},
		cwd: emptyFolder(t),
		execArgv: [],
		memoryMb: 128,
		user: undefined,
		reads: [],
		maxBodyBytes: 4 << 20,
		onOutput: (_stream, line) => assert.fail(line),
	});
	assert.deepEqual(await answersOf(other), thread);
});
