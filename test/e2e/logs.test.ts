import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { MCP_EVENTS } from "../../src/logging/events.ts";
import { createLogger } from "../../src/logging/logger.ts";
import { startTestServer, type TestServer, type TestServerOptions } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const LOGS = `
import { setTimeout as delay } from "node:timers/promises";
const text = (text) => ({ content: [{ type: "text", text }] });
export default function register(server, { log }) {
	server.registerTool("speak", {}, async () => {
		log.info("by context", { user: "ada", password: "hunter2", headers: { Authorization: "Bearer x" }, max_tokens: 5 });
		console.log("by console");
		console.log(JSON.stringify({ level: 50, time: 1, pid: 2, hostname: "h", msg: "by pino", order: 7, token: "t" }));
		await delay(1);
		log.debug("after a while");
		return text("said");
	});
	server.registerTool("throws", {}, () => {
		throw new TypeError("no such order", { cause: new RangeError("the book is closed") });
	});
	server.registerTool("logs_error", {}, () => {
		log.error(new TypeError("as the message"), { err: new RangeError("among the fields"), big: 7n, deep: { a: { b: { c: { d: 1 } } } } });
		return text("logged");
	});
	server.registerTool("floods", {}, () => {
		for (let line = 0; line < 100_000; line++) log.info("a line of the flood, number " + line);
		return text("flooded");
	});
	server.registerPrompt("breaks", {}, () => { throw new Error("no prompt today"); });
}
`;

type Line = Readonly<Record<string, unknown>> & { readonly msg: string; readonly mcp_event: string };

test("the lines of one call, in main and in its module, share its ids; a pino line keeps its level", async (t) => {
	const { server, lines } = await startLogged(t, { LOG_REQUESTS: "all" });
	const headers = { "x-request-id": "given-1", traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" };
	await post(server, headers, "speak");
	await until(() => ofRequest(lines(), "given-1").length >= 5, "all lines are there");
	const own = ofRequest(lines(), "given-1");
	assert.deepEqual(
		own.map(({ msg, level, mcp_event, tool, trace_id, module }) => ({ msg, level, mcp_event, tool, trace_id, module })),
		[
			{ msg: "by context", level: "info", mcp_event: "module_log" },
			{ msg: "by console", level: "info", mcp_event: "module_log" },
			{ msg: "by pino", level: "error", mcp_event: "module_log" },
			{ msg: "after a while", level: "debug", mcp_event: "module_log" },
			{ msg: "tools/call speak: success", level: "info", mcp_event: "tool_call" },
		].map((line) => ({
			...line,
			tool: "speak",
			trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
			module: "mcps/logs",
		})),
	);
	assert.deepEqual(own[0]?.["fields"], {
		user: "ada",
		password: "[redacted]",
		headers: { Authorization: "[redacted]" },
		max_tokens: 5,
	});
	assert.deepEqual(own[2]?.["fields"], { order: 7, token: "[redacted]" });
	assert.deepEqual(typeof own[4]?.["duration_ms"], "number");

	await Promise.all(["given-2", "given-3"].map((id) => post(server, { "x-request-id": id }, "speak")));
	await until(
		() => ofRequest(lines(), "given-3").length >= 5 && ofRequest(lines(), "given-2").length >= 5,
		"both are there",
	);
	for (const line of lines()) assert.ok((MCP_EVENTS as readonly string[]).includes(line.mcp_event), line.mcp_event);
});

test("what a handler throws is one line with class, place and causes; the client gets the message alone", async (t) => {
	const { server, lines } = await startLogged(t);
	const { body } = await server.execute("throws");
	assert.deepEqual(body.content, [{ type: "text", text: "no such order" }]);
	await server.rpc("prompts/get", { name: "breaks" });
	await until(() => lines().filter(({ mcp_event }) => mcp_event === "module_error").length === 2, "both are logged");
	const [tool, prompt] = lines().filter(({ mcp_event }) => mcp_event === "module_error");
	assert.match(
		tool?.msg ?? "",
		/^mcps\/logs: tool throws failed: mcps\/logs\.js:14:9 TypeError: no such order; caused by mcps\/logs\.js:14:\d+ RangeError: the book is closed$/,
	);
	assert.match(prompt?.msg ?? "", /^mcps\/logs: prompt breaks failed: mcps\/logs\.js:\d+:\d+ no prompt today$/);
	assert.equal((tool?.["error"] as { name: string }).name, "TypeError");
	// LOG_REQUESTS=errors is the default.
	const failed = lines().filter(({ mcp_event }) => mcp_event === "tool_call");
	assert.deepEqual(
		failed.map(({ tool: name, status, error_type, request_id }) => [name, status, error_type, request_id]),
		[["throws", "error", "tool_error", tool?.["request_id"]]],
	);
});

test("an error as the message or among the fields keeps its class, its place and its stack; fields are cut", async (t) => {
	const { server, lines } = await startLogged(t);
	await server.execute("logs_error");
	await until(() => lines().some(({ msg }) => msg === "TypeError: as the message"), "it is logged");
	const line = lines().find(({ msg }) => msg === "TypeError: as the message");
	const { error, fields } = line as unknown as {
		error: Record<string, unknown>;
		fields: Record<string, Record<string, unknown>>;
	};
	assert.deepEqual([error["name"], error["file"], error["line"]], ["TypeError", "mcps/logs.js", 17]);
	assert.equal(fields["err"]?.["name"], "RangeError");
	assert.match(String(fields["err"]?.["stack"]), /logs\.js:17/);
	assert.equal(fields["big"], "7");
	assert.deepEqual(fields["deep"], { a: { b: { c: "[too deep]" } } });
});

test("a module that logs a lot is cut, and what was cut is counted", async (t) => {
	const { server, lines } = await startLogged(t);
	await server.execute("floods");
	await until(async () => {
		await server.execute("speak");
		return lines().some(({ msg }) => /^\d+ messages to the log were dropped/.test(msg));
	}, "the lines that were dropped are counted");
	const own = lines().filter(({ msg }) => msg.startsWith("a line of the flood"));
	assert.ok(own.length > 100 && own.length < 10_000, String(own.length));
	assert.equal((await server.module("mcps/logs")).state, "running");
});

test("a version that takes over has a line, and one that is refused", async (t) => {
	const { server, lines } = await startLogged(t);
	await server.save("mcps/logs.js", LOGS.replace("by console", "by another"));
	await until(() => lines().some(({ mcp_event }) => mcp_event === "module_reload"), "the reload is logged");
	const { version } = await server.module("mcps/logs");
	assert.equal(lines().find(({ mcp_event }) => mcp_event === "module_reload")?.["version"], version);
	await server.save("mcps/logs.js", `throw new TypeError("at the top", { cause: new Error("below") });`);
	await until(() => lines().some(({ mcp_event }) => mcp_event === "module_failed"), "the refusal is logged");
	const { msg = "" } = lines().find(({ mcp_event }) => mcp_event === "module_failed") ?? {};
	assert.match(
		msg,
		/is refused: it did not start: mcps\/logs\.js:1:7 TypeError: at the top; caused by mcps\/logs\.js:1:\d+ below; version/,
	);
	assert.ok(msg.includes(`version ${version} goes on serving`), msg);
});

test("the fields that the configurations for log collectors name are those of a log", async (t) => {
	const { server, lines } = await startLogged(t, { LOG_REQUESTS: "all" });
	const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
	for (const name of ["speak", "throws"]) await post(server, { traceparent }, name);
	const client = new Client({ name: "logs", version: "1" });
	await client.connect(new StreamableHTTPClientTransport(new URL(`${server.url}/mcp`)));
	await client.callTool({ name: "speak" });
	await client.close();
	await until(() => lines().filter(({ mcp_event }) => mcp_event === "tool_call").length === 3, "they are logged");
	// The name of who asks is there with authentication alone.
	const known = new Set(["principal", ...lines().flatMap((line) => Object.keys(line))]);
	const folder = path.join(import.meta.dirname, "../../deploy/logging");
	const logstash = readFileSync(path.join(folder, "logstash.conf"), "utf8");
	const fluentd = readFileSync(path.join(folder, "fluentd.conf"), "utf8");
	const named = [
		...[...logstash.matchAll(/"\[(\w+)\]" =>/g), ...fluentd.matchAll(/record\["(\w+)"\]/g)].map(
			([, name = ""]) => name,
		),
		...[/time_key (\w+)/.exec(fluentd)?.[1] ?? "", /match => \["\[(\w+)\]"/.exec(logstash)?.[1] ?? ""],
	];
	assert.ok(named.length > 20);
	assert.deepEqual(
		named.filter((name) => !known.has(name)),
		[],
	);
});

/** A server whose log is a file, with the module above. */
async function startLogged(
	t: TestContext,
	env: TestServerOptions["env"] = {},
): Promise<{ readonly server: TestServer; readonly lines: () => readonly Line[] }> {
	const folder = await mkdtemp(path.join(tmpdir(), "logs-"));
	const file = path.join(folder, "host.log");
	const fd = openSync(file, "a");
	const log = createLogger({ logLevel: "debug", logFormat: "json" } as never, fd);
	t.after(async () => {
		log.close();
		closeSync(fd);
		await rm(folder, { recursive: true });
	});
	const server = await startTestServer(t, { files: { "mcps/logs.js": LOGS }, env, server: { log } });
	const lines = (): readonly Line[] =>
		readFileSync(file, "utf8")
			.split("\n")
			.filter((line) => line !== "")
			.map((line) => JSON.parse(line) as Line);
	return { server, lines };
}

function ofRequest(lines: readonly Line[], id: string): readonly Line[] {
	return lines.filter(({ request_id }) => request_id === id);
}

async function post({ url }: TestServer, headers: Record<string, string>, name: string): Promise<unknown> {
	const response = await fetch(`${url}/mcp`, {
		method: "POST",
		headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...headers },
		body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: {} } }),
	});
	return response.text();
}
