import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { constants } from "node:os";
import { test } from "node:test";
import { deathsInARow, restartDelayMs } from "../../src/launch/supervise.ts";
import { startSupervisor } from "../support/start-supervisor.ts";
import { until } from "../support/until.ts";

for (const code of [0, 1, 9, 78])
	test(`exit code ${code} is passed on, without a restart`, async (t) => {
		const supervisor = startSupervisor(t, "exits-as-told", { env: { FIXTURE_EXIT_CODE: String(code) } });
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
		const supervisor = startSupervisor(t, "dies-as-told", { env: { FIXTURE_DEATHS: deaths } });
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
	const supervisor = startSupervisor(t, "leaves-a-file-and-dies");
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

for (const signal of ["SIGTERM", "SIGINT"] as const)
	test(`${signal} is passed on, and the host's exit code 0 comes back`, async (t) => {
		const supervisor = startSupervisor(t, "stops-on-signal");
		await supervisor.printed(/ready/);
		supervisor.kill(signal);
		assert.equal(await supervisor.exitCode(), 0);
		assert.equal(supervisor.stdout(), `ready ${supervisor.hostPid()}\n${signal}\n`);
		assert.equal(supervisor.stderr(), "");
	});

test("SIGHUP is passed on and ends nothing", async (t) => {
	const supervisor = startSupervisor(t, "says-its-signals");
	await supervisor.printed(/ready/);
	supervisor.kill("SIGHUP");
	await supervisor.printed(/SIGHUP/);
	supervisor.kill("SIGHUP");
	await supervisor.printed(/SIGHUP\nSIGHUP/);
	supervisor.kill("SIGTERM");
	assert.equal(await supervisor.exitCode(), 0);
});

test("a host that is stopped before it has signal handlers has stopped as asked", async (t) => {
	const supervisor = startSupervisor(t, "has-no-signal-handlers");
	await supervisor.printed(/ready/);
	supervisor.kill("SIGTERM");
	assert.equal(await supervisor.exitCode(), 0);
});

test("a host that dies of something else while it stops is not started again", async (t) => {
	const supervisor = startSupervisor(t, "has-no-signal-handlers");
	await supervisor.printed(/ready/);
	const host = supervisor.hostPid();
	const status = (): Promise<string> => readFile(`/proc/${host}/status`, "utf8");
	process.kill(host, "SIGSTOP");
	await until(async () => /^State:\tT/m.test(await status()), "it stands still");
	supervisor.kill("SIGTERM");
	await until(async () => isPending("SIGTERM", await status()), "the signal is passed on");
	process.kill(host, "SIGKILL");
	assert.equal(await supervisor.exitCode(), 137);
	assert.equal(supervisor.stderr(), "");
});

test("a second SIGINT kills at once", async (t) => {
	const supervisor = startSupervisor(t, "never-stops", { env: { SHUTDOWN_TIMEOUT_MS: "600000" } });
	await supervisor.printed(/ready/);
	// Pressing Ctrl-C until it helps, as people do.
	const presses = setInterval(() => supervisor.kill("SIGINT"), 100);
	t.after(() => clearInterval(presses));
	assert.equal(await supervisor.exitCode(), 137);
	assert.equal(supervisor.stdout(), "ready\nSIGINT\n");
});

test("one Ctrl-C that a parent relays as well does not count as the second", async (t) => {
	const supervisor = startSupervisor(t, "stops-slowly", { env: { SHUTDOWN_TIMEOUT_MS: "600000" } });
	await supervisor.printed(/ready/);
	supervisor.kill("SIGINT");
	await supervisor.printed(/stopping/);
	supervisor.kill("SIGINT");
	assert.equal(await supervisor.exitCode(), 0);
});

test("a signal ends the wait for the next restart", async (t) => {
	const supervisor = startSupervisor(t, "dies-again-and-again");
	await supervisor.said(/in 2 s\./);
	supervisor.kill("SIGTERM");
	assert.equal(await supervisor.exitCode(), 0);
	assert.doesNotMatch(supervisor.stderr(), /in 4 s/);
});

test("the host's standard input ends when the supervisor is killed", async (t) => {
	const supervisor = startSupervisor(t, "says-when-stdin-ends");
	await supervisor.printed(/ready/);
	supervisor.kill("SIGKILL");
	await supervisor.printed(/stdin ended/);
	assert.equal(supervisor.stdout(), "ready\nstdin ended\n");
});

test("what the host writes to its standard input reaches nobody", async (t) => {
	const supervisor = startSupervisor(t, "writes-to-stdin");
	assert.equal(await supervisor.exitCode(), 0);
	assert.deepEqual([supervisor.stdout(), supervisor.stderr()], ["written\n", ""]);
});

test("a reader of standard error that has gone away does not take the host with it", async (t) => {
	const supervisor = startSupervisor(t, "dies-as-told", { env: { FIXTURE_DEATHS: "3" } });
	supervisor.closeStderr();
	assert.equal(await supervisor.exitCode(), 0);
	assert.deepEqual(JSON.parse(supervisor.stdout()), { signal: 0, exit: 1 });
});

test("where no working directory can be made, one line says so", async (t) => {
	const supervisor = startSupervisor(t, "reports-itself", { env: { TMPDIR: "/nonexistent" } });
	assert.equal(await supervisor.exitCode(), 1);
	assert.match(
		supervisor.stderr(),
		/^bulkhead: the host could not be started \(ENOENT.*'\/nonexistent\/bulkhead-\w+'\)\.\n$/,
	);
});

/** Whether a process that cannot act on it now has been sent the signal. */
function isPending(signal: NodeJS.Signals, status: string): boolean {
	const pending = BigInt(`0x${/^ShdPnd:\t(\w+)$/m.exec(status)?.[1]}`);
	return ((pending >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
}
