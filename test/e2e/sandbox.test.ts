import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const SPAWNS = `import { spawnSync } from "node:child_process";
import type { McpServer } from "@modelcontextprotocol/server";
export default (server: McpServer) => server.registerTool("spawn", {}, async () => {
	return { content: [{ type: "text", text: String(spawnSync("/bin/echo", ["spawned"]).stdout) }] };
});`;
const TRIES = (what: string): string => `import * as fs from "node:fs";
import type { McpServer } from "@modelcontextprotocol/server";
export default (server: McpServer) => server.registerTool("try", {}, async () => {
	const value = await (async () => { ${what} })();
	return { content: [{ type: "text", text: "did it: " + value }] };
});`;

test("what the policy never allows is refused when it is called, with the line that allows it", async (t) => {
	const server = await startTestServer(t, { files: { "mcps/spawns.ts": SPAWNS, "plugins.yaml": "modules: {}" } });
	const { body } = await server.execute("spawn");
	assert.equal(body.isError, true);
	assert.match(
		body.content?.[0]?.text ?? "",
		/^mcps\/spawns may not use child_process.spawnSync: .*permissions: \{ childProcess: true \}/,
	);

	await server.save("plugins.yaml", "modules: { mcps/spawns: { permissions: { childProcess: true } } }");
	await until(async () => (await server.execute("spawn")).body.content?.[0]?.text === "spawned\n", "the grant lets it");
});

const REFUSED: readonly [what: string, code: string][] = [
	["reads a file that it was not granted", 'return fs.readFileSync("/etc/hostname", "utf8")'],
	["writes a file", 'fs.writeFileSync("/tmp/bulkhead-was-here", "")'],
	["closes a descriptor that it did not open", "fs.closeSync(1)"],
	["kills the process", "process.kill(process.pid)"],
	["imports what it was not granted, and uses it", '(await import("node:" + "child_process")).spawnSync("true")'],
];
for (const [what, code] of REFUSED) {
	test(`a module that ${what} gets an error, and goes on`, async (t) => {
		const server = await startTestServer(t, { files: { "mcps/tries.ts": TRIES(code) } });
		const { status, body } = await server.execute("try");
		assert.equal(status, 200);
		assert.equal(body.isError, true, JSON.stringify(body));
		assert.match(body.content?.[0]?.text ?? "", /mcps\/tries|restricted/);
		assert.deepEqual((await server.module("mcps/tries")).restarts, {});
	});
}

test("what a module prints goes into the log, under a quota", async (t) => {
	const source = `export function process() { console.log("printed by a module"); for (let i = 0; i < 200_000; i++) console.log("x".repeat(100)); }`;
	const server = await startTestServer(t, { examples: true, files: { "metrics/prints.js": source } });
	await until(() => server.logged.some((line) => line.includes("printed by a module")), "its line is in the log");
	await until(() => server.logged.some((line) => line.includes("the rest is dropped")), "the flood is cut");
	assert.ok(server.logged.length < 5000, `${server.logged.length} lines`);
});
