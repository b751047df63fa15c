import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { NO_PROCESS_ISOLATION } from "../support/separate-user.ts";
import { createClient } from "../support/http-client.ts";
import { startHostProcess } from "../support/host-process.ts";
import { sampleOf } from "../support/test-server.ts";
import { until } from "../support/until.ts";

/** Says whether what it imports is what the runtime has, and what a helper of the other module system has. */
const COMPARES = `import { McpServer } from "@modelcontextprotocol/server";
import client, { Gauge, register } from "prom-client";
import { z } from "zod";
import * as mini from "zod/mini";
import * as v4 from "zod/v4";
import { required } from "./_helper.cjs";
const seen = new Gauge({ name: "compared", help: "Comparisons", labelNames: ["in"] });
export default function (server: McpServer, { id }: { id: string }) {
	const name = id.slice("mcps/".length);
	server.registerTool(name, { inputSchema: z.object({ text: z.string() }) }, ({ text }) => {
		seen.inc({ in: name });
		const same = {
			server: server instanceof McpServer,
			zod: z.object === v4.object,
			client: required.register === register && client.register === register,
		};
		return { content: [{ type: "text", text: mini.string().parse(text) + JSON.stringify(same) }] };
	});
}`;
const HELPER = `exports.required = require("prom-client");`;
const LEGACY = `const { Gauge } = require("prom-client");
const collections = new Gauge({ name: "legacy_collections", help: "Collections" });
exports.process = () => collections.inc();`;

test("a module of a built host has the libraries of its runtime, in a thread and in a process", {
	skip: NO_PROCESS_ISOLATION,
}, async (t) => {
	const folder = await createFolder(t, {
		"mcps/compares.ts": COMPARES,
		"mcps/compares-in-a-process.ts": COMPARES,
		"mcps/_helper.cjs": HELPER,
		"metrics/legacy.cjs": LEGACY,
		"plugins.yaml": "modules: { mcps/compares-in-a-process: { isolation: process } }",
	});
	const url = await startHostProcess(t, folder, { COLLECT_INTERVAL_MS: "100" }).ready();
	const client = createClient(url, false);
	t.after(() => client.close());
	for (const name of ["compares", "compares-in-a-process"]) {
		const { status, body } = await client.post("/execute", { tool_name: name, arguments: { text: "same: " } });
		assert.equal(status, 200, body);
		const { content } = JSON.parse(body) as { content: { text: string }[] };
		assert.equal(content[0]?.text, 'same: {"server":true,"zod":true,"client":true}');
		await until(async () => {
			return sampleOf((await client.get("/metrics")).body, `compared{in="${name}"}`) === 1;
		}, `the metric of ${name} is collected`);
	}
	await until(async () => {
		return (sampleOf((await client.get("/metrics")).body, "legacy_collections") ?? 0) > 0;
	}, "a CommonJS module is collected");

	const versions = path.join(folder, ".bulkhead/modules/mcps-compares");
	const bundle = (await readdir(versions)).find((name) => name.endsWith(".mjs"));
	assert.match(
		await readFile(path.join(versions, bundle ?? ""), "utf8"),
		/from "file:.*\/dist\/workers\/libraries\/zod\.js"/,
	);
});

async function createFolder(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
	const folder = await mkdtemp(path.join(tmpdir(), "bulkhead-libraries-"));
	t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
	await chmod(folder, 0o755); // a module process runs as somebody else
	for (const kind of ["metrics", "mcps"]) await mkdir(path.join(folder, kind));
	for (const [file, text] of Object.entries(files)) await writeFile(path.join(folder, file), text);
	return folder;
}
