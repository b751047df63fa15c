import { execFileSync } from "node:child_process";
import assert from "node:assert/strict";
import diagnostics from "node:diagnostics_channel";
import { writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import path from "node:path";
import { test } from "node:test";
import { Client as Client2 } from "@modelcontextprotocol/client";
import type { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import {
	LoggingMessageNotificationSchema,
	ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { conformanceModules } from "../fixtures/conformance/modules.ts";
import { callsOf, connectOldClient, connectRecentClient, spawnStdio } from "../support/stdio-client.ts";
import { sampleOf, startTestServer, testSetup } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const MODULES = {
	files: await conformanceModules("pushing", "input-required", "content"),
	fixtures: ["mcps/everything.ts"],
	env: { MODULE_START_TIMEOUT_MS: "60000" },
};
const DROPPED = 'export default (server) => server.registerTool("dropped", {}, () => ({ content: [] }));';

test("a client of each SDK has a host of its own on the other side of standard input and output", async (t) => {
	const { folder } = await testSetup(t, MODULES);
	const old = await connectOldClient(t, { folder });
	const recent = await connectRecentClient(t, { folder });
	assert.equal(recent.getNegotiatedProtocolVersion(), "2026-07-28");
	assert.equal(old.getServerVersion()?.name, "bulkhead");

	for (const client of [old, recent]) {
		const call = callsOf(client);
		const names = (await client.listTools()).tools.map(({ name }) => name);
		assert.ok(names.includes("echo") && names.includes("test_elicitation"));
		assert.equal(await call("echo", { message: "hi" }), "Echo: hi");
		assert.equal(await call("test_input_required_result_elicitation"), "Hello, Ann!");
		assert.equal(await call("test_input_required_result_sampling"), "Sampling response: a model's words");
	}
	assert.equal(await callsOf(old)("test_sampling", { prompt: "?" }), "LLM response: a model's words");
	assert.match(await callsOf(old)("test_elicitation", { message: "?" }), /action=accept/);
	assert.match(await callsOf(old)("get-roots-list"), /file:\/\/\/home/);

	for (const client of [old, recent]) {
		const progress: number[] = [];
		const controller = new AbortController();
		const options = {
			signal: controller.signal,
			onprogress(update: { readonly progress: number }) {
				progress.push(update.progress);
				if (progress.length === 3) controller.abort("seen enough");
			},
		};
		const args = { name: "trigger-long-running-operation", arguments: { steps: 1000, stepMs: 5 } };
		await assert.rejects(
			client instanceof Client2 ? client.callTool(args, options) : client.callTool(args, undefined, options),
		);
		assert.deepEqual(progress, [1, 2, 3]);
		assert.equal(await callsOf(client)("echo", { message: "on it goes" }), "Echo: on it goes");
	}

	let told = 0;
	old.setNotificationHandler(ToolListChangedNotificationSchema, () => void told++);
	let recentlyTold = 0;
	recent.setNotificationHandler("notifications/tools/list_changed", () => void recentlyTold++);
	const subscription = await recent.listen({ toolsListChanged: true });
	await writeFile(path.join(folder, "mcps/dropped.js"), DROPPED);
	await until(() => told === 1 && recentlyTold === 1, "both hear of the file that was dropped");
	for (const client of [old, recent]) {
		assert.ok((await client.listTools()).tools.some(({ name }) => name === "dropped"));
	}
	await subscription.close();

	// The host's whole process dies: its supervisor, which is the bridge, starts it again where its client finds it.
	const [host] = execFileSync("pgrep", ["--parent", String(pidOf(old))], { encoding: "utf8" }).split("\n");
	process.kill(Number(host), "SIGKILL");
	const back = (): Promise<boolean> =>
		callsOf(old)("echo", { message: "back" }).then(
			(said) => said === "Echo: back",
			() => false,
		);
	await until(back, "the host is back", 60_000);
	assert.match(await callsOf(old)("test_elicitation", { message: "?" }), /action=accept/);
});

test("with --url, clients of each SDK share a host that runs, and it knows when they are gone", async (t) => {
	const tokens = new Set<string | undefined>();
	const collectToken = (message: unknown): void => {
		const { request } = message as { request: IncomingMessage };
		if (request.url === "/mcp") tokens.add(request.headers.authorization);
	};
	diagnostics.subscribe("http.server.request.start", collectToken);
	t.after(() => diagnostics.unsubscribe("http.server.request.start", collectToken));
	const server = await startTestServer(t, MODULES);
	const env = { BULKHEAD_TOKEN: "a-token" };
	const command = { folder: server.folder, args: ["--url", `${server.url}/mcp`], env };
	const old = await connectOldClient(t, command);
	const recent = await connectRecentClient(t, command);
	for (const client of [old, recent]) {
		assert.equal(await callsOf(client)("echo", { message: "hi" }), "Echo: hi");
		// A tool that wants an argument in a header as well, of which a client on standard output knows nothing.
		assert.equal(await callsOf(client)("test_x_mcp_header", { region: "Zürich" }), "region=Zürich");
	}
	const logged: unknown[] = [];
	old.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void logged.push(params.level));
	await old.setLoggingLevel("alert");
	await callsOf(old)("toggle-simulated-logging", { everyMs: 5 });
	await until(() => logged.length >= 4, "what a module sends after its call comes through");
	assert.deepEqual([...new Set(logged)], ["alert", "emergency"]);
	assert.match(await callsOf(old)("toggle-simulated-logging"), /^Stopped/);
	const active = async (): Promise<number | undefined> => sampleOf(await server.metrics(), "mcp_active_sessions");
	assert.equal(await active(), 1);

	const call = recent.callTool({ name: "trigger-long-running-operation", arguments: { steps: 100_000, stepMs: 5 } });
	const closed = assert.rejects(call);
	const running = 'mcp_active_requests{tool_name="trigger-long-running-operation"}';
	await until(async () => sampleOf(await server.metrics(), running) === 1, "the call runs");
	await recent.close();
	await old.close();
	await closed;
	await until(async () => sampleOf(await server.metrics(), running) === 0, "a client that goes cancels its calls");
	await until(async () => (await active()) === 0, "the session is ended, not left to expire");
	assert.deepEqual([...tokens], ["Bearer a-token"], "on each request");
});

test("standard output carries the protocol alone, and the end of standard input ends it all", async (t) => {
	const noisy = `
		console.log("at the top");
		process.stdout.write("not JSON");
		export default (server) => server.registerTool("noisy", {}, () => { console.log("in a call"); return { content: [] }; });`;
	const { folder } = await testSetup(t, { files: { "mcps/noisy.js": noisy } });
	const bridge = spawnStdio(t, { folder });
	const lines = () => bridge.output().split("\n").slice(0, -1);
	bridge.send({ jsonrpc: "2.0", id: "a", method: "tools/call", params: { name: "noisy", arguments: {} } });
	bridge.child.stdin.write("this is no JSON\n");
	bridge.send({ jsonrpc: "2.0", id: "b", method: "nobody/has" });
	await until(() => lines().length === 2, "two answers", 60_000); // a whole host starts first
	const answers = lines().map((line) => JSON.parse(line) as { id: string; result?: object; error?: { code: number } });
	assert.deepEqual(answers.find(({ id }) => id === "a")?.result, { content: [] });
	assert.equal(answers.find(({ id }) => id === "b")?.error?.code, -32601);
	await until(() => /in a call/.test(bridge.errors()), "what it printed is on standard error");
	bridge.child.stdin.end();
	assert.equal(await bridge.ended(), 0);
	assert.match(bridge.errors(), /"msg":"stopped"/);
	assert.equal(lines().length, 2);
});

test("what is wrong is said on standard error, with the exit code of the contract", async (t) => {
	const { folder } = await testSetup(t);
	for (const [args, env, said] of [
		[["--port", "1"], {}, /^bulkhead: unknown option '--port'/],
		[["--url", "localhost:8000"], {}, /^bulkhead: localhost:8000 is not the http:/],
		[[], { LOG_LEVEL: "loud" }, /LOG_LEVEL=loud: must be debug, info, warn or error/],
		[[], { MCPS_DIR: "~/mcps" }, /MCPS_DIR=~\/mcps: must be a path without ~/],
		[
			[],
			{ METRICS_DIR: "/none", MCPS_DIR: "/none/mcps" },
			/^bulkhead: there is neither \/none nor \/none\/mcps: .*\n$/,
		],
		[[], { TMPDIR: "/none" }, /^bulkhead: a host of its own needs a temporary folder .*TMPDIR.*\n$/],
	] as const) {
		const bridge = spawnStdio(t, { folder, args, env });
		assert.equal(await bridge.ended(), 78);
		assert.match(bridge.errors(), said);
		assert.equal(bridge.output(), "");
	}
});

test("the last progress before a result comes on its own, for clients that read both at once and then forget the request", async (t) => {
	const files = {
		"mcps/hurries.js": `
			export default (server) => server.registerTool("hurry", {}, async (context) => {
				const { _meta, notify } = context.mcpReq;
				await notify({ method: "notifications/progress", params: { progressToken: _meta.progressToken, progress: 1 } });
				return { content: [] };
			});`,
	};
	const { folder } = await testSetup(t, { files });
	const bridge = spawnStdio(t, { folder });
	const readings: string[] = [];
	bridge.child.stdout.on("data", (text: string) => readings.push(text));
	const clientInfo = { name: "reads at once", version: "1" };
	bridge.send({
		jsonrpc: "2.0",
		id: 0,
		method: "initialize",
		params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo },
	});
	await until(() => bridge.output().includes('"id":0'), "initialize is answered");
	bridge.send({ jsonrpc: "2.0", method: "notifications/initialized" });
	for (let id = 1; id <= 5; id++) {
		const params = { name: "hurry", arguments: {}, _meta: { progressToken: id } };
		bridge.send({ jsonrpc: "2.0", id, method: "tools/call", params });
		await until(() => bridge.output().includes(`"id":${id}`), "the result");
	}
	const progress = readings.filter((text) => text.includes("notifications/progress"));
	assert.equal(progress.length, 5);
	for (const text of progress) assert.ok(!text.includes('"result"'), text);
	bridge.child.stdin.end();
	assert.equal(await bridge.ended(), 0);
});

test("a request that the host refuses, or that finds no host, is answered with why", async (t) => {
	const server = await startTestServer(t, { env: { SESSION_MAX: "1" } });
	const ping = { jsonrpc: "2.0", id: 7, method: "ping" };
	const url = `${server.url}/mcp`;
	const connect = () => connectOldClient(t, { folder: server.folder, args: ["--url", url] });
	const only = await connect();
	await assert.rejects(connect(), /Too many sessions are open/);
	await only.close();

	await server.close();
	const bridge = spawnStdio(t, { folder: server.folder, args: ["--url", url] });
	bridge.send(ping);
	await until(() => bridge.output() !== "", "the answer");
	assert.deepEqual(JSON.parse(bridge.output()).error.message.split(":")[0], `no host answers at http`);
	bridge.child.kill("SIGTERM");
	assert.equal(await bridge.ended(), 0);
});

function pidOf(client: Awaited<ReturnType<typeof connectOldClient>>): number | null {
	return (client.transport as StdioClientTransport).pid;
}
