import assert from "node:assert/strict";
import { once } from "node:events";
import { appendFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { Agent, type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { openSession } from "../support/mcp-post.ts";
import { startHostProcess } from "../support/host-process.ts";
import { until } from "../support/until.ts";

const WAITS = `import { setTimeout as delay } from "node:timers/promises";
export default (server) => {
	server.registerTool("wait", {}, async () => { await delay(1500); return { content: [{ type: "text", text: "waited" }] }; });
};`;

async function project(t: TestContext): Promise<string> {
	const folder = await mkdtemp(path.join(tmpdir(), "bulkhead-stop-"));
	t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
	await mkdir(path.join(folder, "mcps"));
	await writeFile(path.join(folder, "mcps/waits.js"), WAITS);
	return folder;
}

async function get(
	url: string,
	route: string,
	agent?: Agent,
): Promise<{ status: number; connection: string; text: string }> {
	const sent = request(new URL(route, url), { ...(agent !== undefined && { agent }) }).end();
	const [response] = (await once(sent, "response")) as [IncomingMessage];
	let text = "";
	for await (const chunk of response) text += String(chunk);
	return { status: response.statusCode ?? 0, connection: response.headers.connection ?? "", text };
}

function callWait(url: string): Promise<Response> {
	return fetch(`${url}/execute`, {
		method: "POST",
		headers: { "content-type": "application/json" },
		body: '{"tool_name":"wait"}',
	});
}

test("after SIGTERM the host is not ready, serves everybody for SHUTDOWN_DELAY_MS, and loses no call", async (t) => {
	const host = startHostProcess(t, await project(t), { SHUTDOWN_DELAY_MS: "1500" });
	const url = await host.ready();
	const { session } = await openSession(url);
	const stream = await fetch(`${url}/mcp`, { headers: { accept: "text/event-stream", "mcp-session-id": session } });
	assert.equal(stream.status, 200);
	const agent = new Agent({ keepAlive: true, maxSockets: 1 });
	assert.equal((await get(url, "/readyz", agent)).connection, "keep-alive");
	host.child.kill("SIGTERM");
	await until(async () => (await get(url, "/readyz")).status === 503, "it is not ready");
	const ready = await get(url, "/readyz", agent);
	assert.deepEqual([ready.status, ready.connection, ready.text], [503, "close", '{"status":"stopping"}']);
	assert.equal((await get(url, "/livez")).status, 200);
	const answer = await callWait(url); // ends after the port has closed
	assert.equal(answer.status, 200);
	assert.match(await answer.text(), /waited/);
	await assert.rejects(get(url, "/livez"), /ECONNREFUSED/);
	await stream.text(); // rejects where the stream was cut off
	assert.equal(await host.ended(), 0);
});

test("a request that follows on a kept connection when the host stops is answered, and told that it was the last", async (t) => {
	const host = startHostProcess(t, await project(t));
	const url = await host.ready();
	const agent = new Agent({ keepAlive: true, maxSockets: 1 });
	await get(url, "/livez", agent);
	const running = callWait(url);
	await until(
		async () => (await get(url, "/metrics")).text.includes('mcp_active_requests{tool_name="wait"} 1'),
		"it runs",
	);
	host.child.kill("SIGTERM");
	await until(() => host.errors().includes("stopping"), "it stops");
	const last = await get(url, "/livez", agent);
	assert.deepEqual([last.status, last.connection], [200, "close"]);
	assert.equal((await running).status, 200);
	assert.equal(await host.ended(), 0);
});

test("SIGHUP and POST /-/reload read the policy again and reopen LOG_FILE, and end nothing", async (t) => {
	const folder = await project(t);
	const [policy, log] = [path.join(folder, "plugins.yaml"), path.join(folder, "host.log")];
	await writeFile(policy, "modules: {}\n");
	const host = startHostProcess(t, folder, { LOG_FILE: log });
	const url = await host.ready();
	const reload = async () => {
		const response = await fetch(`${url}/-/reload`, { method: "POST" });
		return { status: response.status, body: (await response.json()) as Record<string, unknown> };
	};
	await rename(log, `${log}.1`);
	host.child.kill("SIGHUP");
	await until(
		async () => (await readFile(log, "utf8").catch(() => "")).includes("reloaded"),
		"the log is opened again",
	);
	assert.deepEqual(await reload(), { status: 200, body: { status: "ok", reloaded: [policy, log] } });
	await appendFile(policy, "colour: red\n");
	for (let time = 0; time < 2; time++) {
		const { status, body } = await reload();
		assert.deepEqual([status, body["code"], body["reloaded"]], [422, "RELOAD_FAILED", [log]]);
		assert.match(JSON.stringify(body["problems"]), /2:1 .*colour/);
	}
	await writeFile(policy, "modules: { mcps/waits: { enabled: false } }\n");
	assert.equal((await reload()).status, 200);
	await until(async () => (await get(url, "/api/modules/mcps/waits")).text.includes('"disabled"'), "the policy holds");
	assert.equal((await fetch(`${url}/-/reload`)).status, 405);
	host.child.kill("SIGTERM");
	assert.equal(await host.ended(), 0);
});
