import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
	cpSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	realpathSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { deathsInARow, restartDelayMs } from "../src/supervise.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FIXTURES = path.join(ROOT, "test/fixtures/supervisor");
const DEADLINE_MS = 20_000;

test("the host gets its flags, an empty working directory, the start directory and enough pool threads", async (t) => {
	const supervisor = start(t, "reports-itself", { env: { FIXTURE_OWN: "kept" } });
	assert.equal(await supervisor.exitCode(), 0);
	const report = supervisor.report();
	assert.deepEqual(report.execArgv, [
		"--no-turboshaft-loop-unrolling",
		"--disable-proto=delete",
		"--disable-sigusr1",
		"--enable-source-maps",
	]);
	assert.equal(report.entry, path.join(supervisor.dir, "src/server.ts"));
	assert.deepEqual(report.files, []);
	assert.notEqual(report.cwd, supervisor.startDir);
	assert.deepEqual(report.env, {
		BULKHEAD_START_DIR: supervisor.startDir,
		BULKHEAD_RESTARTS: '{"signal":0,"exit":0}',
		UV_THREADPOOL_SIZE: "16",
		FIXTURE_OWN: "kept",
	});
	assert.equal(report.ipc, false);
	assert.ok(!existsSync(report.cwd), "the working directory is left behind");
	assert.equal(supervisor.stderr(), "");
});

for (const [set, given] of [
	["64", "64"],
	["4", "16"],
	["many", "16"],
] as const)
	test(`UV_THREADPOOL_SIZE ${set} becomes ${given}`, async (t) => {
		const supervisor = start(t, "reports-itself", { env: { UV_THREADPOOL_SIZE: set } });
		await supervisor.exitCode();
		assert.equal(supervisor.report().env["UV_THREADPOOL_SIZE"], given);
	});

test("what the host inherited from another supervisor does not count", async (t) => {
	const env = { BULKHEAD_START_DIR: "/elsewhere", BULKHEAD_RESTARTS: '{"signal":9,"exit":9}' };
	const supervisor = start(t, "reports-itself", { env });
	await supervisor.exitCode();
	assert.equal(supervisor.report().env["BULKHEAD_START_DIR"], supervisor.startDir);
	assert.equal(supervisor.report().env["BULKHEAD_RESTARTS"], '{"signal":0,"exit":0}');
});

for (const code of [0, 1, 9, 78])
	test(`exit code ${code} is passed on, without a restart`, async (t) => {
		const supervisor = start(t, "exits-as-told", { env: { FIXTURE_EXIT_CODE: String(code) } });
		assert.equal(await supervisor.exitCode(), code);
		assert.equal(supervisor.stdout(), "started\n");
		assert.equal(supervisor.stderr(), "");
	});

for (const { deaths, counts, said } of [
	{ deaths: "SIGSEGV", counts: { signal: 1, exit: 0 }, said: ["was killed by SIGSEGV; starting it again at once."] },
	{
		deaths: "SIGKILL,3",
		counts: { signal: 1, exit: 1 },
		said: ["was killed by SIGKILL; starting it again at once.", "ended with exit code 3; starting it again in 1 s."],
	},
	{ deaths: "70", counts: { signal: 0, exit: 1 }, said: ["ended with exit code 70; starting it again at once."] },
])
	test(`after ${deaths} the host is started again and told the counts by reason`, async (t) => {
		const supervisor = start(t, "dies-as-told", { env: { FIXTURE_DEATHS: deaths } });
		assert.equal(await supervisor.exitCode(), 0);
		assert.deepEqual(JSON.parse(supervisor.stdout()), counts);
		assert.deepEqual(
			supervisor.stderr().trimEnd().split("\n"),
			said.map((text) => `bulkhead: the host ${text}`),
		);
	});

test("the delay before a restart doubles from 1 s to 30 s, and a stable minute makes the next restart immediate", () => {
	assert.deepEqual(
		[1, 2, 3, 4, 5, 6, 7, 8, 1000].map(restartDelayMs),
		[0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000],
	);
	assert.deepEqual([deathsInARow(0, 5), deathsInARow(4, 59_999), deathsInARow(4, 60_000)], [1, 5, 1]);
});

test("a restarted host does not find what the one before left in its working directory", async (t) => {
	const supervisor = start(t, "leaves-a-file-and-dies");
	assert.equal(await supervisor.exitCode(), 0);
	const [first, second] = supervisor
		.stdout()
		.trimEnd()
		.split("\n")
		.map((line) => JSON.parse(line) as { cwd: string; files: string[] });
	assert.ok(first && second);
	assert.deepEqual([first.files, second.files], [[], []]);
	assert.ok(!existsSync(first.cwd) && !existsSync(second.cwd));
});

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const)
	test(`${signal} is passed on, and the host's exit code 0 comes back`, async (t) => {
		const supervisor = start(t, "stops-on-signal");
		await supervisor.printed(/ready/);
		supervisor.kill(signal);
		assert.equal(await supervisor.exitCode(), 0);
		assert.equal(supervisor.stdout(), `ready ${supervisor.hostPid()}\n${signal}\n`);
		assert.equal(supervisor.stderr(), "");
	});

test("a host that is stopped before it has signal handlers has stopped as asked", async (t) => {
	const supervisor = start(t, "has-no-signal-handlers");
	await supervisor.printed(/ready/);
	supervisor.kill("SIGTERM");
	assert.equal(await supervisor.exitCode(), 0);
});

test("a host that dies of something else while it stops is not started again", async (t) => {
	const supervisor = start(t, "has-no-signal-handlers");
	await supervisor.printed(/ready/);
	process.kill(supervisor.hostPid(), "SIGSTOP");
	supervisor.kill("SIGTERM");
	process.kill(supervisor.hostPid(), "SIGKILL");
	assert.equal(await supervisor.exitCode(), 137);
	assert.equal(supervisor.stderr(), "");
});

for (const { where, env, dotenv } of [
	{ where: "the environment", env: { SHUTDOWN_TIMEOUT_MS: "0" }, dotenv: "SHUTDOWN_TIMEOUT_MS=600000\n" },
	{ where: ".env", env: {}, dotenv: 'SHUTDOWN_TIMEOUT_MS=600000\nexport SHUTDOWN_TIMEOUT_MS = "0" # at once\n' },
])
	test(`a host that does not stop is killed 1 s after SHUTDOWN_TIMEOUT_MS, which is read from ${where}`, async (t) => {
		const supervisor = start(t, "never-stops", { env, dotenv });
		await supervisor.printed(/ready/);
		const askedMs = performance.now();
		supervisor.kill("SIGTERM");
		assert.equal(await supervisor.exitCode(), 137);
		assert.ok(performance.now() - askedMs >= 990, "killed too early");
		assert.equal(supervisor.stderr(), "bulkhead: the host did not stop within 1000 ms and is killed.\n");
	});

test("a second SIGINT kills at once", async (t) => {
	const supervisor = start(t, "never-stops", { env: { SHUTDOWN_TIMEOUT_MS: "600000" } });
	await supervisor.printed(/ready/);
	// Pressing Ctrl-C until it helps, as people do.
	const presses = setInterval(() => supervisor.kill("SIGINT"), 100);
	t.after(() => clearInterval(presses));
	assert.equal(await supervisor.exitCode(), 137);
	assert.equal(supervisor.stdout(), "ready\nSIGINT\n");
});

test("one Ctrl-C that a parent relays as well does not count as the second", async (t) => {
	const supervisor = start(t, "stops-slowly", { env: { SHUTDOWN_TIMEOUT_MS: "600000" } });
	await supervisor.printed(/ready/);
	supervisor.kill("SIGINT");
	await supervisor.printed(/stopping/);
	supervisor.kill("SIGINT");
	assert.equal(await supervisor.exitCode(), 0);
});

test("a signal ends the wait for the next restart", async (t) => {
	const supervisor = start(t, "dies-again-and-again");
	await supervisor.said(/in 2 s\./);
	supervisor.kill("SIGTERM");
	assert.equal(await supervisor.exitCode(), 0);
	assert.doesNotMatch(supervisor.stderr(), /in 4 s/);
});

test("the host's standard input ends when the supervisor is killed", async (t) => {
	const supervisor = start(t, "says-when-stdin-ends");
	await supervisor.printed(/ready/);
	supervisor.kill("SIGKILL");
	await supervisor.printed(/stdin ended/);
	assert.equal(supervisor.stdout(), "ready\nstdin ended\n");
});

test("what the host writes to its standard input reaches nobody", async (t) => {
	const supervisor = start(t, "writes-to-stdin");
	assert.equal(await supervisor.exitCode(), 0);
	assert.deepEqual([supervisor.stdout(), supervisor.stderr()], ["written\n", ""]);
});

test("a reader of standard error that has gone away does not take the host with it", async (t) => {
	const supervisor = start(t, "dies-as-told", { env: { FIXTURE_DEATHS: "3" } });
	supervisor.closeStderr();
	assert.equal(await supervisor.exitCode(), 0);
	assert.deepEqual(JSON.parse(supervisor.stdout()), { signal: 0, exit: 1 });
});

test("where no working directory can be made, one line says so", async (t) => {
	const supervisor = start(t, "reports-itself", { env: { TMPDIR: "/nonexistent" } });
	assert.equal(await supervisor.exitCode(), 1);
	assert.match(
		supervisor.stderr(),
		/^bulkhead: the host could not be started \(ENOENT.*'\/nonexistent\/bulkhead-\w+'\)\.\n$/,
	);
});

test("under tsx the host runs under it too, wherever its working directory is", async (t) => {
	const supervisor = start(t, "reports-itself", {
		packages: true,
		node: [process.execPath, "--import", import.meta.resolve("tsx")],
	});
	assert.equal(await supervisor.exitCode(), 0);
	assert.deepEqual(supervisor.report().execArgv.slice(-2), ["--import", import.meta.resolve("tsx")]);
});

test("under an old Node what was built runs the host under the installed one", async (t) => {
	const supervisor = start(t, "reports-itself", { packages: true, built: true, node: findOldNode() });
	assert.equal(await supervisor.exitCode(), 0, supervisor.stderr());
	const report = supervisor.report();
	assert.equal(report.entry, path.join(supervisor.dir, "dist/src/server.js"));
	assert.equal(
		`v${report.node}`,
		execFileSync(path.join(ROOT, "node_modules/.bin/node"), ["--version"], { encoding: "utf8" }).trim(),
	);
});

test("signals and restarts work under an old Node", async (t) => {
	const supervisor = start(t, "stops-on-signal", { packages: true, built: true, node: findOldNode() });
	await supervisor.printed(/ready/);
	process.kill(supervisor.hostPid(), "SIGKILL");
	await supervisor.printed(/ready \d+\nready/);
	supervisor.kill("SIGTERM");
	assert.equal(await supervisor.exitCode(), 0);
});

for (const [what, prepare] of [
	["nothing is installed", () => {}],
	["the package's binary was not fetched", (dir: string) => installNode(dir, "26.10.0")],
	[
		"the installed one is old too",
		(dir: string) => {
			installNode(dir, "20.9.0");
			mkdirSync(path.join(dir, "node_modules/node/bin"));
			writeFileSync(path.join(dir, "node_modules/node/bin/node"), "#!/bin/sh\nexit 0\n", { mode: 0o755 });
		},
	],
] as const)
	test(`under an old Node, when ${what}, one line says what to install`, async (t) => {
		const supervisor = start(t, "reports-itself", { built: true, node: findOldNode(), prepare });
		assert.equal(await supervisor.exitCode(), 1);
		assert.match(
			supervisor.stderr(),
			/^bulkhead: Node 24 or newer is needed and this is v\d+\.\d+\.\d+: install it from https:\/\/nodejs\.org, or as a package with `npm install node@26`\.\n$/,
		);
		assert.equal(supervisor.stdout(), "");
	});

test("the oldest Node is the one that package.json names", () => {
	const { engines } = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8")) as {
		engines: { node: string };
	};
	const oldest = /OLDEST_NODE = (\d+)/.exec(readFileSync(path.join(ROOT, "src/main.ts"), "utf8"))?.[1];
	assert.equal(engines.node, `>=${oldest}`);
});

interface Options {
	readonly env?: Record<string, string>;
	readonly dotenv?: string;
	/** The command that runs the supervisor's entry. */
	readonly node?: readonly string[];
	/** Run what tsc makes of the supervisor, as it ships, and not its source. */
	readonly built?: boolean;
	/** Whether the project's packages are installed. */
	readonly packages?: boolean;
	readonly prepare?: (dir: string) => void;
}

interface Report {
	readonly node: string;
	readonly execArgv: string[];
	readonly entry: string;
	readonly cwd: string;
	readonly files: string[];
	readonly env: Record<string, string>;
	readonly ipc: boolean;
}

/**
 * Starts the real supervisor, in a package made for the test whose `server` is a fixture. Nothing is installed there unless
 * asked for, so it also shows that the supervisor needs nothing.
 */
function start(t: TestContext, fixture: string, options: Options = {}) {
	const dir = realpathSync(mkdtempSync(path.join(tmpdir(), "bulkhead-main-")));
	t.after(() => rmSync(dir, { recursive: true }));
	writeFileSync(path.join(dir, "package.json"), '{"type":"module"}');
	if (options.packages === true) symlinkSync(path.join(ROOT, "node_modules"), path.join(dir, "node_modules"));
	options.prepare?.(dir);
	const entry = options.built === true ? build(dir) : copySources(dir);
	cpSync(path.join(FIXTURES, `${fixture}.js`), path.join(path.dirname(entry), `server${path.extname(entry)}`));
	const startDir = path.join(dir, "start");
	mkdirSync(startDir);
	if (options.dotenv !== undefined) writeFileSync(path.join(startDir, ".env"), options.dotenv);

	const [command, ...args] = options.node ?? [process.execPath];
	assert.ok(command);
	const child = spawn(command, [...args, entry], {
		cwd: startDir,
		env: { PATH: process.env["PATH"], TMPDIR: dir, ...options.env },
		stdio: ["ignore", "pipe", "pipe"],
		timeout: DEADLINE_MS,
		killSignal: "SIGKILL",
	});
	t.after(() => child.kill("SIGKILL"));
	const exited = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
	const streamsEnded = once(child, "close");
	const stdout = collect(child.stdout);
	const stderr = collect(child.stderr);
	return {
		dir,
		startDir,
		stdout: stdout.text,
		stderr: stderr.text,
		printed: stdout.has,
		said: stderr.has,
		report: () => JSON.parse(stdout.text()) as Report,
		kill: (signal: NodeJS.Signals) => assert.ok(child.kill(signal)),
		hostPid: () => Number(/^ready (\d+)$/m.exec(stdout.text())?.[1]),
		closeStderr: () => child.stderr.destroy(),
		async exitCode() {
			const [code, signal] = await exited;
			await streamsEnded;
			assert.equal(signal, null, stderr.text());
			return code;
		},
	};
}

/** What a stream has said so far, and a wait until it has said something. */
function collect(stream: NodeJS.ReadableStream) {
	let text = "";
	stream.setEncoding("utf8");
	stream.on("data", (chunk: string) => {
		text += chunk;
	});
	return {
		text: () => text,
		async has(wanted: RegExp) {
			const signal = AbortSignal.timeout(DEADLINE_MS);
			while (!wanted.test(text)) await once(stream, "data", { signal });
		},
	};
}

/** @returns the supervisor's entry */
function copySources(dir: string): string {
	for (const file of ["main", "supervise", "launch-contract"])
		cpSync(path.join(ROOT, `src/${file}.ts`), path.join(dir, `src/${file}.ts`));
	return path.join(dir, "src/main.ts");
}

/** The same from the compiler that makes what ships, with its settings. */
function build(dir: string): string {
	const config = {
		extends: path.join(ROOT, "tsconfig.build.json"),
		compilerOptions: { outDir: path.join(dir, "dist"), typeRoots: [path.join(ROOT, "node_modules/@types")] },
		include: [],
		files: [path.join(ROOT, "src/main.ts")],
	};
	writeFileSync(path.join(dir, "tsconfig.json"), JSON.stringify(config));
	execFileSync(path.join(ROOT, "node_modules/.bin/tsc"), ["--project", dir], { stdio: "inherit" });
	return path.join(dir, "dist/src/main.js");
}

/** An old Node of this machine; where there is none, this Node saying that it is old. */
function findOldNode(): readonly string[] {
	for (const dir of (process.env["PATH"] ?? "").split(path.delimiter)) {
		const { stdout } = spawnSync(path.join(dir, "node"), ["--version"], { encoding: "utf8" });
		if (/^v(18|20|22)\./.test(stdout ?? "")) return [path.join(dir, "node")];
	}
	const pretence = `
		Object.defineProperty(process, "version", { value: "v20.0.0" });
		Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.0.0" } });
	`;
	return [process.execPath, "--import", `data:text/javascript,${encodeURIComponent(pretence)}`];
}

function installNode(dir: string, version: string): void {
	mkdirSync(path.join(dir, "node_modules/node"), { recursive: true });
	writeFileSync(path.join(dir, "node_modules/node/package.json"), JSON.stringify({ name: "node", version }));
}
