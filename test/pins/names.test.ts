import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { EXIT_CODES } from "../../src/launch/launch-contract.ts";
import { startTestServer } from "../support/test-server.ts";

const ROOT = path.join(import.meta.dirname, "../..");

test("exit codes are these", () => {
	assert.deepEqual(EXIT_CODES, { stopped: 0, startFailed: 1, uncaught: 70, badConfiguration: 78 });
});

test("error codes, restart reasons, and what labels of work and memory say are these", async () => {
	assert.deepEqual(await unionMembers("src/core/errors.ts", "ErrorCode"), [
		"CALL_CANCELLED",
		"CALL_TIMEOUT",
		"COLLECT_FAILED",
		"COLLECT_TIMEOUT",
		"CONFIG_INVALID",
		"ILLEGAL_TRANSITION",
		"MODULE_BUSY",
		"MODULE_CRASHED",
		"MODULE_HUNG",
		"MODULE_NOT_FOUND",
		"MODULE_START_FAILED",
		"MODULE_UNAVAILABLE",
		"PORT_IN_USE",
		"PROTOCOL_VIOLATION",
		"RESULT_TOO_LARGE",
	]);
	assert.deepEqual(await unionMembers("src/host/runner/rpc-errors.ts", "WorkType"), ["call", "collect"]);
	assert.deepEqual(await unionMembers("src/host/runner/rpc-errors.ts", "WorkOutcome"), [
		"cancelled",
		"error",
		"ok",
		"timeout",
	]);
	assert.deepEqual(await unionMembers("src/host/worker/worker.ts", "MemoryType"), [
		"external",
		"heap_total",
		"heap_used",
		"rss",
	]);
	assert.deepEqual(await unionMembers("src/host/runner/restart-policy.ts", "RestartReason"), [
		"call_timeout",
		"collect_timeout",
		"crash",
		"exit",
		"hang",
		"manual",
		"out_of_memory",
		"policy",
		"reload",
	]);
});

test("routes answer to these methods, and name them when asked with another one", async (t) => {
	const server = await startTestServer(t);
	const routes = {
		"/": "GET, HEAD",
		"/metrics": "GET, HEAD",
		"/metrics/x": "GET, HEAD",
		"/sd": "GET, HEAD",
		"/api/v1/metrics/prometheus": "GET, HEAD",
		"/mcp": "POST, GET, DELETE",
		"/execute": "POST",
		"/api/modules": "GET, HEAD",
		"/api/modules/mcps/x": "GET, HEAD",
		"/api/modules/mcps/x/logs": "GET, HEAD",
		"/api/modules/mcps/x/restart": "POST",
		"/api/modules/mcps/x/enable": "POST",
		"/api/modules/mcps/x/disable": "POST",
		"/livez": "GET, HEAD",
		"/readyz": "GET, HEAD",
		"/health": "GET, HEAD",
	};
	for (const [route, methods] of Object.entries(routes)) {
		const response = await fetch(`${server.url}${route}`, { method: "PUT" });
		assert.deepEqual([response.status, response.headers.get("allow")], [405, methods], route);
	}
});

/** The members of a union of string literals, from the source: they have no other form at run time. */
async function unionMembers(file: string, name: string): Promise<readonly string[]> {
	const source = await readFile(path.join(ROOT, file), "utf8");
	const union = new RegExp(`export type ${name} =([^;]*);`).exec(source)?.[1] ?? "";
	return (union.match(/"[^"]+"/g) ?? []).map((member) => member.slice(1, -1)).toSorted();
}
