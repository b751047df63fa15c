import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startTestServer } from "../support/test-server.ts";

const run = promisify(execFile);
const INSPECTOR = fileURLToPath(
	new URL("clients/launcher/build/index.js", import.meta.resolve("@modelcontextprotocol/inspector/package.json")),
);

test("the command line of MCP Inspector lists and calls", async (t) => {
	const { url, folder } = await startTestServer(t, {
		fixtures: ["mcps/everything.ts"],
		env: { MODULE_START_TIMEOUT_MS: "60000" },
	});
	const inspect = (method: string, ...args: readonly string[]) => inspectorAt(t, url, folder, [method, ...args]);

	const { tools } = await inspect("tools/list");
	assert.ok((tools as { name: string }[]).some(({ name }) => name === "get-structured-content"));
	const called = await inspect("tools/call", "--tool-name", "get-structured-content", "--tool-arg", "location=Rome");
	assert.deepEqual(called["structuredContent"], { temperature: 4 });
	const { resources } = await inspect("resources/list");
	assert.deepEqual(resources, [{ name: "one", uri: "doc://one", mimeType: "text/plain" }]);
	const { contents } = await inspect("resources/read", "--uri", "doc://one");
	assert.deepEqual(contents, [{ uri: "doc://one", text: "first version" }]);
	const { prompts } = await inspect("prompts/list");
	assert.equal((prompts as { name: string }[])[0]?.name, "completable-prompt");
	const { messages } = await inspect("prompts/get", "--prompt-name", "completable-prompt", "--prompt-args", "team=red");
	assert.deepEqual(messages, [{ role: "user", content: { type: "text", text: "red" } }]);
});

async function inspectorAt(t: TestContext, url: string, folder: string, [method, ...args]: readonly string[]) {
	const { stdout } = await run(
		process.execPath,
		[INSPECTOR, "--cli", `${url}/mcp`, "--transport", "http", "--method", method ?? "", ...args],
		// What it keeps for its user goes with the test.
		{ env: { PATH: process.env["PATH"], HOME: path.join(folder, "home") }, signal: t.signal },
	);
	return JSON.parse(stdout) as Record<string, unknown>;
}
