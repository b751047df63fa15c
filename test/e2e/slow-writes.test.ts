/** A file that is written in place over seconds is deployed when it is whole. */
import assert from "node:assert/strict";
import { appendFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { test } from "node:test";
import { startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

/** What a slow line takes between two parts; it is the input, and nothing is waited for by it. */
const PAUSE_MS = 700;

test("no part of a module that is uploaded in place serves, though each part is a module by itself", async (t) => {
	const parts = (version: string): readonly string[] => [
		`const tools = []; export default (server) => { for (const name of tools) server.registerTool(name, {}, () => ({ content: [{ type: "text", text: "${version}" }] })); };\ntools.push("a");\n`,
		`tools.push("b");\n`,
		`tools.push("c");\n`,
	];
	const server = await startTestServer(t, { files: { "mcps/up.js": `${parts("one").join("")}// and a longer end\n` } });
	const file = path.join(server.folder, "mcps/up.js");
	let isUploading = true;
	const answers = new Set<string>();
	const callC = async (): Promise<void> => {
		const { status, body } = await server.execute("c");
		assert.equal(status, 200, JSON.stringify(body));
		answers.add(body.content?.[0]?.text ?? "");
	};
	const calling = (async () => {
		while (isUploading) await callC();
	})();
	const [first = "", ...others] = parts("two");
	await writeFile(file, first);
	for (const part of others) {
		await delay(PAUSE_MS);
		await appendFile(file, part);
	}
	isUploading = false;
	await calling;
	await until(async () => {
		await callC();
		return answers.has("two");
	}, "the whole of it serves");
	assert.equal((await server.module("mcps/up")).generation, 2);
});
