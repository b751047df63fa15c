/** Owners of MCP names over restarts of the whole host. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { startServer } from "../../src/composition/start-server.ts";
import { childrenOf } from "../support/chaos-resources.ts";
import { startHostProcess } from "../support/host-process.ts";
import { lastingPort } from "../support/lasting-port.ts";
import { type ExecuteAnswer, type ModuleView, sampleOf, testSetup } from "../support/test-server.ts";
import { until } from "../support/until.ts";

/** A tool that says whose it is. */
const tool = (whose: string): string => `
	export default (server) => server.registerTool("contested", {}, () => ({ content: [{ type: "text", text: "${whose}" }] }));`;
const PATIENT = { MODULE_START_TIMEOUT_MS: "60000" };
/** Starts when `a`, where there is one, has: it asks the host. */
const startsAfterA = (port: number): string => `
	for (;;) {
		const response = await fetch("http://127.0.0.1:${port}/api/modules/mcps/a");
		if (response.status === 404 || (await response.json()).state === "running") break;
	}`;

test("the module that had a name first owns it after restarts of the host, also when it starts last", async (t) => {
	const port = await lastingPort();
	const { run, save } = await hosts(t, { z: startsAfterA(port) + tool("z") }, { ...PATIENT, PORT: String(port) });
	assert.equal((await run()).said, "z");
	await save("a", tool("a"));
	for (let restarts = 0; restarts < 2; restarts++) {
		assert.deepEqual(await run(), { said: "z", conflicts: 1, lostByA: "mcps/z" });
	}
});

test("an owner whose file went while the host was down owns nothing", async (t) => {
	const { run, save, folder } = await hosts(t, { z: tool("z") });
	await run();
	await save("a", tool("a"));
	await rm(path.join(folder, "mcps/z.js"));
	assert.equal((await run()).said, "a");
	await save("A", tool("A"));
	assert.equal((await run()).said, "a", "which is an owner as any other");
});

test("an owner that is disabled owns nothing, while the host runs or was down", async (t) => {
	const { run, save, folder } = await hosts(t, { z: tool("z") });
	await run();
	await save("a", tool("a"));
	const policy = path.join(folder, "plugins.yaml");
	await writeFile(policy, "modules: { mcps/z: { enabled: false } }");
	assert.deepEqual(await run(), { said: "a", conflicts: 0, lostByA: undefined });
	await writeFile(policy, "modules: {}");
	const { said } = await run(async (url) => {
		await writeFile(policy, "modules: { mcps/a: { enabled: false } }");
		await until(async () => (await execute(url)).body.content?.[0]?.text === "z", "the other has the name");
	});
	assert.equal(said, "z");
});

test("an owner that has started without a name has given it up, and one that could not start has not", async (t) => {
	const { run, save } = await hosts(t, { z: tool("z") });
	await run();
	await save("a", tool("a"));
	await save("z", `throw new Error("not today");`);
	const { said, lostByA } = await run();
	assert.match(said, /not today/, "it is listed, as while a module is down");
	assert.equal(lostByA, "mcps/z");
	await save("z", "export default () => undefined;");
	assert.equal((await run()).said, "a");
	await save("z", tool("z"));
	assert.equal((await run()).said, "a");
});

test("what a module offers while it stops is its own when the host is back", async (t) => {
	const offersLate = `
		let stopping = false;
		let changed;
		export default (server, { notify }) => {
			changed = notify.toolsChanged;
			if (stopping) server.registerTool("contested", {}, () => ({ content: [] }));
		};
		export async function stop() {
			stopping = true;
			changed();
			for (let turns = 0; turns < 100; turns++) await new Promise(setImmediate); // until the host has heard of it
		}`;
	const { run, save, stateDir } = await hosts(t, { z: offersLate });
	await run();
	assert.match(await readFile(path.join(stateDir, "mcp-owners.jsonl"), "utf8"), /"mcps\/z",\["tools","contested"\]/);
	await save("a", tool("a"));
	await save("z", tool("z"));
	assert.deepEqual(await run(), { said: "z", conflicts: 1, lostByA: "mcps/z" });
});

test("a host whose STATE_DIR is gone starts as for the first time", async (t) => {
	const { run, save, stateDir } = await hosts(t, { z: tool("z") });
	await run();
	await save("a", tool("a"));
	await rm(stateDir, { recursive: true });
	assert.equal((await run()).said, "a", "the first by id");
});

test("a host that is killed knows the owners when it is back", async (t) => {
	const port = await lastingPort();
	const { save, folder } = await hosts(t, { z: startsAfterA(port) + tool("z") });
	const supervisor = startHostProcess(t, folder, { ...PATIENT, PORT: String(port) });
	await supervisor.ready();
	const file = path.join(folder, ".bulkhead/mcp-owners.jsonl");
	await until(
		async () => existsSync(file) && (await readFile(file, "utf8")).includes('["mcps/z",["tools","contested"]]'),
		"the owner is kept",
	);
	await save("a", tool("a"));
	for (const pid of childrenOf(supervisor.child.pid ?? 0)) process.kill(pid, "SIGKILL");
	const urls = (): readonly string[] =>
		[...supervisor.errors().matchAll(/ready at (http:\/\/[^\s"]+)/g)].map(([, url]) => url ?? "");
	await until(() => urls().length === 2, "another host is ready", 30_000);
	assert.equal((await execute(urls()[1] ?? "")).body.content?.[0]?.text, "z");
});

interface Seen {
	/** By the tool, or by the host where there is none. */
	readonly said: string;
	readonly conflicts: number | undefined;
	/** Who has the name that the later module wanted. */
	readonly lostByA: string | undefined;
}

/** One host after the other over the same folders. */
async function hosts(
	t: TestContext,
	modules: Readonly<Record<string, string>>,
	env: Readonly<Record<string, string>> = {},
) {
	const files = Object.fromEntries(Object.entries(modules).map(([name, source]) => [`mcps/${name}.js`, source]));
	const { folder, options } = await testSetup(t, { files, env });
	return {
		folder,
		stateDir: options.config.stateDir,
		save: (name: string, source: string) => writeFile(path.join(folder, `mcps/${name}.js`), source),
		/** What there is to see of a host that has started, in the end. */
		async run(meanwhile: (url: string) => Promise<void> = async () => undefined): Promise<Seen> {
			const server = await startServer(options);
			try {
				await meanwhile(server.url);
				const { body } = await execute(server.url);
				const a = (await (await fetch(`${server.url}/api/modules/mcps/a`)).json()) as Partial<ModuleView>;
				return {
					said: body.content?.[0]?.text ?? body.detail ?? "",
					conflicts: sampleOf(await (await fetch(`${server.url}/metrics`)).text(), "mcp_tool_conflicts_total"),
					lostByA: a.conflicts?.[0]?.owner,
				};
			} finally {
				await server.close();
			}
		},
	};
}

async function execute(url: string): Promise<ExecuteAnswer> {
	const response = await fetch(`${url}/execute`, {
		method: "POST",
		headers: { "content-type": "application/json" },
		body: JSON.stringify({ tool_name: "contested", arguments: {} }),
	});
	return { status: response.status, body: (await response.json()) as ExecuteAnswer["body"] };
}
