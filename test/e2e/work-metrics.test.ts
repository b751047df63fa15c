import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import process from "node:process";
import { test } from "node:test";
import { NO_PROCESS_ISOLATION } from "../support/separate-user.ts";
import { sampleOf, startTestServer, type TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const WORKING = `
	export default (server) => {
		server.registerTool("hold", {}, (context) => new Promise((_resolve, reject) => {
			context.mcpReq.signal.addEventListener("abort", () => reject(new Error("cancelled")));
		}));
		server.registerTool("quick", {}, () => ({ content: [] }));
		server.registerTool("exit", {}, () => process.exit(1));
		server.registerTool("spin", {}, () => {
			for (const until = Date.now() + 500; Date.now() < until; );
			return { content: [] };
		});
	};`;
const COLLECTED = `
	import { Gauge } from "prom-client";
	const up = new Gauge({ name: "collected_up", help: "h" });
	export function process() { up.set(1); }`;

/** The samples of these families that have the module's or the host's id, by the rest of their name. */
async function samplesOf(server: TestServer, serverId: string): Promise<ReadonlyMap<string, number>> {
	const lines = (await server.metrics()).split("\n").filter((line) => line.includes(`server_id="${serverId}"`));
	return new Map(
		lines.map((line) => {
			const [series = "", value] = line.split(" ");
			return [series.replace(`server_id="${serverId}"`, "").replace("{}", ""), Number(value)];
		}),
	);
}

test("work that waits, runs and has ended is on the page, by how it ended", async (t) => {
	const server = await startTestServer(t, {
		files: {
			"mcps/working.js": WORKING,
			"mcps/hurried.js": WORKING.replaceAll('registerTool("', 'registerTool("hurried_'),
			"metrics/collected.js": COLLECTED,
			"plugins.yaml": "modules: { mcps/hurried: { callTimeoutMs: 3000 } }",
		},
		env: { CALL_CONCURRENCY: "1" },
	});
	const at = async (series: string): Promise<number | undefined> => sampleOf(await server.metrics(), series);
	const ended = (type: string, status: string) =>
		at(`mcp_task_duration_seconds_count{task_type="${type}",status="${status}"}`);
	await until(async () => (await ended("collect", "ok")) !== undefined, "a collection has been counted");

	const leaving = new AbortController();
	const held = server.execute("hold", {}, leaving.signal).catch(() => undefined);
	await until(async () => (await at('mcp_tasks_running{server_id="mcps/working"}')) === 1, "it runs");
	const waiting = [server.execute("quick"), server.execute("quick")];
	await until(async () => (await at('mcp_tasks_pending{server_id="mcps/working"}')) === 2, "two wait");
	assert.equal(await at('mcp_tasks_pending{server_id="metrics/collected"}'), 0);
	leaving.abort();
	await Promise.all([held, ...waiting]);
	await until(async () => (await at('mcp_tasks_running{server_id="mcps/working"}')) === 0, "all have ended");
	assert.equal(await ended("call", "cancelled"), 1);
	assert.equal(await ended("call", "ok"), 2);

	assert.equal((await server.execute("hurried_hold")).body.code, "CALL_TIMEOUT");
	assert.equal(await ended("call", "timeout"), 1);
	assert.equal((await server.execute("exit")).body.code, "MODULE_CRASHED");
	assert.equal(await ended("call", "error"), 1);
	assert.equal((await server.execute("no-such-tool")).status, 404);
	assert.equal(await ended("call", "error"), 1, "what no worker was given is not counted");
});

test("what each worker takes is on the page and in /api/modules, and goes with the module", {
	skip: NO_PROCESS_ISOLATION,
}, async (t) => {
	const server = await startTestServer(t, {
		files: {
			"mcps/working.js": WORKING,
			"mcps/apart.js": WORKING.replaceAll('registerTool("', 'registerTool("apart_'),
			"plugins.yaml": "modules: { mcps/apart: { isolation: process } }",
		},
	});
	const typesOf = async (id: string): Promise<readonly string[]> =>
		[...(await samplesOf(server, id))].flatMap(([series, value]) =>
			series.startsWith("mcp_memory_usage_bytes") && value > 0 ? [/type="(\w+)"/.exec(series)?.[1] ?? ""] : [],
		);
	const hasTypes = (id: string, types: string): Promise<void> =>
		until(async () => (await typesOf(id)).join() === types, `the memory of ${id} has been looked at`);
	await hasTypes("mcps/working", "heap_used,heap_total,external");
	await hasTypes("host", "heap_used,heap_total,external");
	if (process.platform === "linux") await hasTypes("mcps/apart", "rss"); // as the kernel counts

	const utilization = async (id: string) => (await samplesOf(server, id)).get("mcp_event_loop_utilization_ratio") ?? 2;
	await until(async () => {
		await server.execute("spin");
		return (await utilization("mcps/working")) > 0.2;
	}, "it has been busy of late");
	assert.ok((await utilization("host")) <= 1);
	const view = (await server.module("mcps/working")) as unknown as Record<string, unknown>;
	assert.deepEqual(Object.keys(view["memory_bytes"] as object), ["heap_used", "heap_total", "external"]);
	assert.equal(typeof view["event_loop_utilization"], "number");

	for (const name of ["mcp_system_cpu_usage_ratio", "mcp_system_memory_usage_ratio"]) {
		const ratio = sampleOf(await server.metrics(), name) ?? 2;
		assert.ok(ratio >= 0 && ratio <= 1, `${name} is ${ratio}`);
	}
	await server.remove("mcps/working.js");
	await until(async () => (await samplesOf(server, "mcps/working")).size === 0, "every series of it is gone");
});

test("the sizes of requests and responses are those on the wire, on every way through the host", async (t) => {
	const server = await startTestServer(t, { files: { "mcps/working.js": WORKING } });
	const { hostname, port } = new URL(server.url);
	const body = JSON.stringify({
		jsonrpc: "2.0",
		id: 1,
		method: "tools/call",
		params: { name: "quick", arguments: {} },
	});
	const head = `Host: ${hostname}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n`;
	const plain = `POST /mcp HTTP/1.1\r\n${head}Content-Length: ${body.length}\r\n\r\n${body}`;
	const chunked = `POST /mcp HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
	const scrape = `GET /metrics HTTP/1.1\r\nHost: ${hostname}\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n`;

	const socket = connect(Number(port), hostname);
	t.after(() => socket.destroy());
	const received: Buffer[] = [];
	socket.on("data", (chunk: Buffer) => received.push(chunk));
	const bytes = (): number => Buffer.concat(received).length;
	const answers = (): number => Buffer.concat(received).toString("latin1").split("HTTP/1.1 200").length - 1;
	for (const [index, request] of [plain, chunked].entries()) {
		socket.write(request);
		await until(() => answers() === index + 1 && Buffer.concat(received).toString().endsWith("}"), "it is answered");
	}
	const calls = bytes();
	socket.write(scrape);
	await once(socket, "close");

	const text = await server.metrics(); // which does not count itself
	const sizes = (of: "request" | "response", labels: string) =>
		["sum", "count"].map((part) => sampleOf(text, `mcp_http_${of}_size_bytes_${part}{${labels}}`));
	const mcp = 'method="POST",endpoint="/mcp"';
	assert.deepEqual(sizes("request", mcp), [plain.length + chunked.length, 2]);
	assert.deepEqual(sizes("response", mcp), [calls, 2]);
	const page = 'method="GET",endpoint="/metrics"';
	assert.deepEqual(sizes("request", page), [scrape.length, 1]);
	assert.deepEqual(sizes("response", page), [bytes() - calls, 1]);
});
