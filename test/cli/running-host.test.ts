import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { freePort } from "../../src/stdio/free-port.ts";
import { bulkhead } from "../support/cli.ts";
import { MAIN, startHostProcess } from "../support/host-process.ts";
import { testSetup } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const FILES = {
	"metrics/queue.js": `
		import { Gauge } from "prom-client";
		const g = new Gauge({ name: "queued", help: "What waits" });
		export function process() { g.set(3); }`,
	"metrics/broken.js": "export const nothing = 1;",
	"mcps/desk.js": `
		import { z } from "zod";
		export default (server, { log }) => {
			server.registerTool("greet", { description: "Greets \\u001b[31mby name", inputSchema: z.object({ name: z.string() }) },
				({ name }) => { log.info("greeting " + name); return { content: [{ type: "text", text: "Hello, " + name + "!\\u001b[2J" }] }; });
			server.registerTool("fail", {}, () => ({ isError: true, content: [{ type: "text", text: "no paper" }] }));
			server.registerResource("note", "note://one", {}, () => ({ contents: [{ uri: "note://one", text: "a note" }] }));
			server.registerPrompt("ask", { argsSchema: z.object({ what: z.string() }) },
				({ what }) => ({ messages: [{ role: "user", content: { type: "text", text: "Tell me of " + what } }] }));
		};`,
};

test("the commands that ask a running host, as a person and as a script use them", async (t) => {
	const { folder } = await testSetup(t, { files: FILES });
	const host = startHostProcess(t, folder);
	const url = await host.ready();
	const run = (...args: string[]) => bulkhead(args, { cwd: "/", env: { BULKHEAD_URL: url } });
	const json = async (...args: string[]): Promise<Record<string, unknown>> =>
		JSON.parse((await run(...args, "--json")).stdout) as Record<string, unknown>;

	const modules = await run("modules");
	assert.equal(modules.code, 0, modules.stderr);
	assert.match(modules.stdout, /^MODULE +STATE +RESTARTS/);
	assert.match(modules.stdout, /^metrics\/queue +running +0 +\d/m);
	assert.match(modules.stdout, /^metrics\/broken +failed .*must export a function process\(\)/m);
	assert.match(modules.stdout, /^2 of 3 serving$/m);
	assert.ok(Array.isArray((await json("modules"))["modules"]));

	const tools = await run("tools");
	assert.match(tools.stdout, /^greet +mcps\/desk +name +Greets \\x1b\[31mby name$/m);

	const call = await run("call", "greet", "--args", '{"name": "Ann"}');
	assert.deepEqual([call.code, call.stdout], [0, "Hello, Ann!\\x1b[2J\n"]);
	assert.deepEqual((await json("call", "greet", "--args", '{"name":"B"}'))["content"], [
		{ type: "text", text: "Hello, B!\u001b[2J" },
	]);
	assert.deepEqual(await run("call", "fail").then(({ code, stdout }) => [code, stdout]), [1, "no paper\n"]);
	const wrong = await run("call", "greet", "--args", "{name}");
	assert.deepEqual([wrong.code, wrong.stdout], [78, ""]);
	assert.match(wrong.stderr, /^bulkhead: --args must be a JSON object/);
	const unknown = await run("call", "greeet");
	assert.equal(unknown.code, 1);
	assert.match(unknown.stderr, /greeet/);
	const traffic = await json("call", "greet", "--args", '{"name":"B"}', "--repeat", "20", "--rate", "500");
	assert.deepEqual([traffic["calls"], traffic["failed"]], [20, 0]);

	assert.deepEqual(await run("read", "note://one").then(({ code, stdout }) => [code, stdout]), [0, "a note\n"]);
	assert.equal((await run("read", "note://two")).code, 1);
	assert.equal((await run("prompt", "ask", "--args", '{"what":"cats"}')).stdout, "user: Tell me of cats\n");

	const logs = await run("logs", "mcps/desk");
	assert.match(logs.stdout, /^\S+Z INFO {2}greeting Ann$/m);
	assert.equal((await run("logs", "mcps/desk", "-n", "1", "--json")).stdout.trim().split("\n").length, 1);
	assert.equal((await run("logs", "desk")).code, 78);
	assert.equal((await run("logs", "mcps/none")).code, 1);

	const following = spawn(process.execPath, [MAIN, "logs", "mcps/desk", "-f", "-n", "0", "--url", `${url}/mcp`]);
	t.after(() => following.kill("SIGKILL"));
	let followed = "";
	following.stdout.setEncoding("utf8").on("data", (text: string) => void (followed += text));
	await until(async () => {
		await run("call", "greet", "--args", '{"name": "Zoe"}');
		return followed.includes("greeting Zoe");
	}, "a line that comes while the log is followed");
	assert.ok(!followed.includes("greeting Ann"));

	assert.equal((await run("disable", "mcps/desk")).code, 0);
	await until(async () => /mcps\/desk +disabled/.test((await run("modules")).stdout), "it is disabled");
	assert.match((await run("restart", "mcps/desk")).stderr, /mcps\/desk is disabled: enable it/);
	assert.equal((await run("call", "greet", "--args", '{"name": "Ann"}')).code, 1);
	assert.equal((await run("enable", "mcps/desk")).code, 0);
	await until(async () => (await run("call", "greet", "--args", '{"name": "Ann"}')).code === 0, "it is back");
	assert.equal((await run("restart", "metrics/queue")).code, 0);
	await until(async () => {
		const { modules: all } = (await json("modules")) as { modules: { id: string; restarts: { manual?: number } }[] };
		return all.find(({ id }) => id === "metrics/queue")?.restarts.manual === 1;
	}, "the restart is counted");

	const stopped = host.ended();
	host.child.kill("SIGTERM");
	assert.equal(await stopped, 0, "a followed log does not hold up the stop");
	await until(() => following.exitCode !== null, "the follower ends with the host");
});

test("a host that is not there, and wrong usage, are one sentence and an exit code", async (t) => {
	const { folder } = await testSetup(t, {});
	const run = (...args: string[]) => bulkhead(args, { cwd: folder });
	const away = `http://127.0.0.1:${await freePort()}`;
	for (const args of [["modules"], ["read", "x://y"], ["call", "greet"]]) {
		const { code, stderr } = await run(...args, "--url", away);
		assert.equal(code, 1);
		assert.match(stderr, /^bulkhead: no (MCP )?host answers at http:\S+ \(connect ECONNREFUSED 127\.0\.0\.1:\d+\): /);
	}

	for (const [args, said] of [
		[["modul"], /unknown command 'modul'\n\(Did you mean modules\?\)/],
		[["modules", "--jsn"], /unknown option '--jsn'\n\(Did you mean --json\?\)/],
		[["call"], /missing required argument 'tool'/],
		[["modules", "--url", "file:///etc"], /is not the http:\/\/ or https:\/\/ address of a host/],
		[["start", "now"], /too many arguments/],
		[["call", "x", "--repeat", "0"], /whole number/],
	] as const) {
		const { code, stderr, stdout } = await run(...args);
		assert.deepEqual([code, stdout], [78, ""], args.join(" "));
		assert.match(stderr, said);
		assert.match(stderr, /^bulkhead: /);
	}
});

test("version and help", async (t) => {
	const { folder } = await testSetup(t, {});
	const run = (...args: string[]) => bulkhead(args, { cwd: folder });
	const version = await run("--version");
	assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
	assert.equal(version.code, 0);
	const help = await run("--help");
	assert.equal(help.code, 0);
	for (const name of ["start", "stdio", "modules", "tools", "call", "read", "prompt", "logs", "restart"])
		assert.match(help.stdout, new RegExp(`^  ${name} `, "m"));
	assert.match((await run("help", "call")).stdout, /--repeat <n>/);
	assert.equal((await run("help", "cal")).code, 78);
	assert.equal((await run("start", "--help")).code, 0);
});
