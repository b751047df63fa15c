import assert from "node:assert/strict";
import { mkdir, rename } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const tool = (whose: string): string =>
	`export default (server) => server.registerTool("moved", {}, () => ({ content: [{ type: "text", text: "${whose}" }] }));`;

test("no call fails while the file of a module is moved", async (t) => {
	const server = await startTestServer(t, { files: { "mcps/first.js": tool("it") } });
	const at = (file: string): string => path.join(server.folder, "mcps", file);
	const isServing = async (id: string) => (await server.module(id)).state === "running";
	const moves = [
		["first.js", "second.js", "mcps/second"],
		["second.js", "second.mjs", "mcps/second"],
		["second.mjs", "Second.mjs", "mcps/Second"],
		["Second.mjs", "folder/index.mjs", "mcps/folder"],
	] as const;
	let isOver = false;
	const failed: unknown[] = [];
	let calls = 0;
	const calling = (async () => {
		while (!isOver) {
			const { status, body } = await server.execute("moved");
			calls += 1;
			if (status !== 200 || body.content?.[0]?.text !== "it") failed.push({ status, body });
		}
	})();
	for (const [from, to, id] of moves) {
		await mkdir(path.dirname(at(to)), { recursive: true });
		await rename(at(from), at(to));
		await until(() => isServing(id), `${to} serves`);
		const before = `mcps/${from.split(".", 1)[0]}`;
		await until(async () => before === id || (await server.module(before)).state === undefined, `${from} is gone`);
		const since = calls;
		await until(() => calls > since + 3, "calls go on");
	}
	isOver = true;
	await calling;
	assert.deepEqual(failed, []);
});

test("a module that waits for another's name does not get it between rm and cp", async (t) => {
	const server = await startTestServer(t, { files: { "mcps/owner.js": tool("owner") } });
	await server.save("mcps/waits.js", tool("waits"));
	await until(async () => (await server.module("mcps/waits")).state === "running", "the other one runs");
	await server.remove("mcps/owner.js");
	await until(async () => (await server.module("mcps/owner")).state === undefined, "the owner is gone");
	assert.equal((await server.execute("moved")).status, 404);
	await server.save("mcps/owner.js", tool("owner"));
	await until(async () => (await server.execute("moved")).status === 200, "the owner is back");
	assert.equal((await server.execute("moved")).body.content?.[0]?.text, "owner");
});
