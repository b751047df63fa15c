import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { ROOT, startSupervisor } from "./support/start-supervisor.ts";

test("the host gets its flags, an empty working directory, the start directory and enough pool threads", async (t) => {
	const supervisor = startSupervisor(t, "reports-itself", { env: { FIXTURE_OWN: "kept" } });
	assert.equal(await supervisor.exitCode(), 0);
	const report = supervisor.report();
	assert.deepEqual(report.execArgv, [
		"--no-turboshaft-loop-unrolling",
		"--v8-pool-size=0",
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
		MALLOC_TRIM_THRESHOLD_: "131072",
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
		const supervisor = startSupervisor(t, "reports-itself", { env: { UV_THREADPOOL_SIZE: set } });
		await supervisor.exitCode();
		assert.equal(supervisor.report().env["UV_THREADPOOL_SIZE"], given);
	});

test("a trim threshold that the operator has set stays", async (t) => {
	const supervisor = startSupervisor(t, "reports-itself", { env: { MALLOC_TRIM_THRESHOLD_: "1048576" } });
	await supervisor.exitCode();
	assert.equal(supervisor.report().env["MALLOC_TRIM_THRESHOLD_"], "1048576");
});

test("what the host inherited from another supervisor does not count", async (t) => {
	const env = { BULKHEAD_START_DIR: "/elsewhere", BULKHEAD_RESTARTS: '{"signal":9,"exit":9}' };
	const supervisor = startSupervisor(t, "reports-itself", { env });
	await supervisor.exitCode();
	assert.equal(supervisor.report().env["BULKHEAD_START_DIR"], supervisor.startDir);
	assert.equal(supervisor.report().env["BULKHEAD_RESTARTS"], '{"signal":0,"exit":0}');
});

test("the supervisor's lines are JSON where the log is", async (t) => {
	const env = { SHUTDOWN_TIMEOUT_MS: "0", LOG_FORMAT: "" };
	const supervisor = startSupervisor(t, "never-stops", { env, dotenv: "LOG_FORMAT=json\n" });
	await supervisor.printed(/ready/);
	supervisor.kill("SIGTERM");
	await supervisor.exitCode();
	const { time, ...line } = JSON.parse(supervisor.stderr()) as Record<string, unknown>;
	assert.match(String(time), /^\d{4}-\d\d-\d\dT.*Z$/);
	assert.deepEqual(line, {
		level: "warn",
		mcp_event: "supervisor",
		msg: "the host did not stop within 1000 ms and is killed.",
	});
});

for (const { where, env, dotenv } of [
	{ where: "the environment", env: { SHUTDOWN_TIMEOUT_MS: "0" }, dotenv: "SHUTDOWN_TIMEOUT_MS=600000\n" },
	{ where: ".env", env: {}, dotenv: 'SHUTDOWN_TIMEOUT_MS=600000\nexport SHUTDOWN_TIMEOUT_MS = "0" # at once\n' },
])
	test(`a host that does not stop is killed 1 s after SHUTDOWN_TIMEOUT_MS, which is read from ${where}`, async (t) => {
		const supervisor = startSupervisor(t, "never-stops", { env, dotenv });
		await supervisor.printed(/ready/);
		const askedMs = performance.now();
		supervisor.kill("SIGTERM");
		assert.equal(await supervisor.exitCode(), 137);
		assert.ok(performance.now() - askedMs >= 990, "killed too early");
		assert.equal(supervisor.stderr(), "bulkhead: the host did not stop within 1000 ms and is killed.\n");
	});

test("under tsx the host runs under it too, wherever its working directory is", async (t) => {
	const supervisor = startSupervisor(t, "reports-itself", {
		packages: true,
		node: [process.execPath, "--import", import.meta.resolve("tsx")],
	});
	assert.equal(await supervisor.exitCode(), 0);
	assert.deepEqual(supervisor.report().execArgv.slice(-2), ["--import", import.meta.resolve("tsx")]);
});

test("under an old Node what was built runs the host under the installed one", async (t) => {
	const supervisor = startSupervisor(t, "reports-itself", { packages: true, built: true, node: findOldNode() });
	assert.equal(await supervisor.exitCode(), 0, supervisor.stderr());
	const report = supervisor.report();
	assert.equal(report.entry, path.join(supervisor.dir, "dist/src/server.js"));
	assert.equal(
		`v${report.node}`,
		execFileSync(path.join(ROOT, "node_modules/.bin/node"), ["--version"], { encoding: "utf8" }).trim(),
	);
});

test("signals and restarts work under an old Node", async (t) => {
	const supervisor = startSupervisor(t, "stops-on-signal", { packages: true, built: true, node: findOldNode() });
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
		const supervisor = startSupervisor(t, "reports-itself", { built: true, node: findOldNode(), prepare });
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
