import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { freePort } from "../../src/stdio/free-port.ts";
import { startExample } from "../support/example-server.ts";
import type { TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

test("metrics-query: series of the host itself by name and labels, and a word where there are none", async (t) => {
	const port = String(await freePort());
	const server = await startExample(t, {
		file: "mcps/metrics-query.ts",
		env: { BULKHEAD_URL: `http://127.0.0.1:${port}` },
		host: { PORT: port },
	});
	const labels = { server_id: "mcps/metrics-query" };
	assert.equal(
		await answer(server, "metrics_query", { name: "mcp_server_up", labels }),
		'mcp_server_up{server_id="mcps/metrics-query"} 1',
	);
	assert.match(await answer(server, "metrics_query", { name: "nothing_is_called_so" }), /^no series/);
});

test("file-search: lines of the granted folder, and none of what lies outside", async (t) => {
	const folder = await temporary(t);
	await writeFile(path.join(folder, "a.md"), "first\nThe Needle is here\n");
	const server = await startExample(t, {
		file: "mcps/file-search.ts",
		env: { SEARCH_ROOT: folder },
		policy: `permissions: { read: [${folder}] }`,
	});
	assert.equal(await answer(server, "file_search", { text: "needle" }), "a.md:2: The Needle is here");
	assert.equal(await answer(server, "file_search", { text: "root", files: "../../etc/passwd" }), "nothing was found");
});

test("git-log: commits of a repository, filtered, and an option that is none", async (t) => {
	const folder = await temporary(t);
	const git = (...args: string[]): void => void execFileSync("git", ["-C", folder, ...args], { stdio: "ignore" });
	git("init");
	for (const message of ["one", "two"]) {
		await writeFile(path.join(folder, `${message}.txt`), message);
		git("add", ".");
		git("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-m", message);
	}
	const server = await startExample(t, {
		file: "mcps/git-log.ts",
		env: { GIT_REPOSITORY: folder, PATH: process.env["PATH"] ?? "" },
		policy: `isolation: process, permissions: { childProcess: true, read: [${folder}] }`,
	});
	const lines = (await answer(server, "git_log", {})).split("\n");
	assert.deepEqual(
		lines.map((line) => line.replace(/^\w+ \S+ /, "")),
		["Ada: two", "Ada: one"],
	);
	assert.match(await answer(server, "git_log", { path: "one.txt" }), /Ada: one$/);
	assert.equal(await answer(server, "git_log", { author: "--output=/tmp/x" }), "no commit fits");
});

test("host-status: an agent sees the modules and the log, and restarts one", async (t) => {
	const port = String(await freePort());
	const server = await startExample(t, {
		file: "mcps/host-status.ts",
		env: { BULKHEAD_URL: `http://127.0.0.1:${port}` },
		host: { PORT: port },
	});
	await server.save("metrics/talks.ts", 'console.log("here I am");\nexport function process() {}\n');
	await until(async () => (await server.module("metrics/talks")).state === "running", "the other module runs");
	assert.match(await answer(server, "modules_list", {}), /"metrics\/talks"/);
	await until(
		async () => (await answer(server, "logs_tail", { module: "metrics/talks" })).includes("here I am"),
		"its line is in the log",
	);
	await answer(server, "module_restart", { module: "metrics/talks" });
	await until(async () => (await server.module("metrics/talks")).generation === 2, "it was restarted");
});

/** The text of a call that succeeds. */
async function answer(server: TestServer, tool: string, args: Record<string, unknown>): Promise<string> {
	let body: Awaited<ReturnType<TestServer["execute"]>>["body"] = {};
	await until(
		async () => {
			const executed = await server.execute(tool, args);
			body = executed.body;
			return executed.status === 200;
		},
		() => `an answer of ${tool}: ${JSON.stringify(body)}\n${server.logged.join("\n")}`,
	);
	assert.notEqual(body.isError, true, JSON.stringify(body.content));
	return body.content?.[0]?.text ?? "";
}

async function temporary(t: TestContext): Promise<string> {
	const folder = await mkdtemp(path.join(tmpdir(), "bulkhead-example-"));
	t.after(() => rm(folder, { recursive: true, force: true }));
	await chmod(folder, 0o755); // a module process runs as somebody else
	return folder;
}
