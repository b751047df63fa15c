import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { sampleOf, startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

test("the two modules of the README work as they stand there, dropped into a running host", async (t) => {
	const readme = await readFile(path.join(import.meta.dirname, "../../README.md"), "utf8");
	const [metric, mcp] = [...readme.matchAll(/```ts\n(.*?)```/gs)].map((block) => block[1] ?? "");
	assert.ok((metric ?? "").split("\n").length <= 11 && (mcp ?? "").split("\n").length <= 11, "ten lines each");
	const server = await startTestServer(t);

	await server.save("metrics/memory.ts", metric ?? "");
	await until(async () => (sampleOf(await server.metrics(), "machine_memory_free_bytes") ?? 0) > 0, "the gauge shows");
	await server.save("mcps/dice.ts", mcp ?? "");
	await until(async () => (await server.execute("roll")).status === 200, "the tool answers");
	assert.match((await server.execute("roll")).body.content?.[0]?.text ?? "", /^[1-6]$/);
});
