import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

/** A tool that runs what it is given as a function body, with `fs` and `require`-like `load`. */
const RUNS = `import type { McpServer } from "@modelcontextprotocol/server";
import fs from "node:fs";
import http from "node:http";
import { z } from "zod";
export default function register(server: McpServer) {
	server.registerTool("run", { inputSchema: z.object({ what: z.string(), path: z.string().optional() }) }, async ({ what, path = "" }) => {
		const does: Record<string, () => unknown> = {
			read: () => fs.readFileSync(path, "utf8"),
			write: () => fs.writeFileSync(path, "written"),
			remove: () => fs.rmSync(path),
			env: () => JSON.stringify({ ...process.env }),
			query: async () => {
				const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
				return new DatabaseSync(path).prepare("SELECT 1 + 1 AS two").get()?.["two"];
			},
			serve: () => new Promise((resolve) => http.createServer().on("error", resolve).listen(Number(path), "::1", () => resolve("listening"))),
		};
		try {
			return { content: [{ type: "text", text: String(await does[what]?.()) }] };
		} catch (error) {
			return { content: [{ type: "text", text: String((error as { code?: string }).code ?? error) }] };
		}
	});
}`;

function folderFor(t: TestContext): string {
	const folder = mkdtempSync(join(tmpdir(), "bulkhead-grants-"));
	t.after(() => rmSync(folder, { recursive: true, force: true }));
	chmodSync(folder, 0o777); // a module process runs as somebody else
	return folder;
}

async function startWith(t: TestContext, policy: object, env: Readonly<Record<string, string>> = {}) {
	const server = await startTestServer(t, {
		files: { "mcps/runs.ts": RUNS, "plugins.yaml": JSON.stringify({ modules: { "mcps/runs": policy } }) },
		env,
	});
	return {
		...server,
		async run(what: string, path?: string): Promise<string> {
			const answer = await server.execute("run", { what, ...(path !== undefined && { path }) });
			return answer.body.content?.[0]?.text ?? JSON.stringify(answer.body);
		},
	};
}

for (const isolation of ["thread", "process"]) {
	test(`what is granted to be written can be written and read, and nothing beside it (${isolation})`, async (t) => {
		const folder = folderFor(t);
		mkdirSync(join(folder, "granted"));
		chmodSync(join(folder, "granted"), 0o777);
		const server = await startWith(t, { isolation, permissions: { write: [join(folder, "granted")] } });
		assert.equal(await server.run("write", join(folder, "granted/a")), "undefined");
		assert.equal(await server.run("read", join(folder, "granted/a")), "written");
		assert.equal(await server.run("write", join(folder, "beside")), "ERR_BULKHEAD_DENIED");
		assert.equal(await server.run("write", join(folder, "granted/../beside")), "ERR_BULKHEAD_DENIED");
		assert.equal(await server.run("remove", join(folder, "granted/a")), "undefined");
		assert.ok(!existsSync(join(folder, "beside")));
	});

	test(`read: [/] opens all of it (${isolation})`, async (t) => {
		const folder = folderFor(t);
		writeFileSync(join(folder, "a"), "hello");
		const server = await startWith(t, { isolation, permissions: { read: ["/"] } });
		assert.equal(await server.run("read", join(folder, "a")), "hello");
		assert.equal(await server.run("read", "/etc/hostname"), readFileSync("/etc/hostname", "utf8"));
		assert.equal(await server.run("write", join(folder, "b")), "ERR_BULKHEAD_DENIED");
	});
}

test("sqlite is open in a process, for its granted file", async (t) => {
	const folder = folderFor(t);
	const file = join(folder, "a.db");
	const grant = { permissions: { write: [folder] } };
	const server = await startWith(t, { isolation: "process", ...grant });
	assert.equal(await server.run("query", file), "2");
	assert.equal(await server.run("query", "/tmp/other.db"), "ERR_BULKHEAD_DENIED");
	await server.save("plugins.yaml", JSON.stringify({ modules: { "mcps/runs": grant } }));
	await until(async () => (await server.module("mcps/runs")).restarts["policy"] === 1, "the policy is in force");
	assert.equal(await server.run("query", file), "ERR_BULKHEAD_DENIED"); // a thread in a query cannot be ended
});

test("a module's own sandbox level wins over the host's", async (t) => {
	const folder = folderFor(t);
	const server = await startWith(t, { sandbox: "off" });
	assert.equal(await server.run("write", join(folder, "a")), "undefined");
	await server.save("plugins.yaml", JSON.stringify({ modules: { "mcps/runs": { sandbox: "standard" } } }));
	await until(async () => (await server.module("mcps/runs")).restarts["policy"] === 1, "the policy is in force");
	assert.equal(await server.run("write", join(folder, "b")), "ERR_BULKHEAD_DENIED");
});

test("a variable may come from a file, is read anew at each start, and is in no log", async (t) => {
	const folder = folderFor(t);
	const file = join(folder, "api");
	writeFileSync(file, "first-secret\n");
	const env = { API_TOKEN: { file }, MODE: "fast", HOST_ONE: true, GONE: { file: join(folder, "gone") } };
	const server = await startWith(t, { env }, { HOST_ONE: "1", OTHER: "2" });
	assert.deepEqual(JSON.parse(await server.run("env")), { API_TOKEN: "first-secret", MODE: "fast", HOST_ONE: "1" });
	assert.ok(server.logged.some((line) => line.includes("GONE is not set")));
	writeFileSync(file, "second-secret");
	await server.save("mcps/runs.ts", `${RUNS}\nexport const changed = 1;`);
	await until(async () => (await server.module("mcps/runs")).restarts["reload"] === 1, "it is restarted");
	assert.equal(JSON.parse(await server.run("env")).API_TOKEN, "second-secret");
	assert.ok(!server.logged.join("\n").includes("-secret"));
	const shown = await (await fetch(`${server.url}/api/modules/mcps/runs`)).text();
	assert.ok(!shown.includes("secret") && !shown.includes("fast"));
});

test("the host's own port is not a module's to take on another address", async (t) => {
	const server = await startWith(t, {});
	const { port } = new URL(server.url);
	assert.match(await server.run("serve", port), /the host's own/);
	assert.equal(await server.run("serve", "0"), "listening");
});

test("what a policy names that is not there is warned of", async (t) => {
	const server = await startTestServer(t, {
		files: {
			"mcps/runs.ts": RUNS,
			"plugins.yaml": `modules:
  mcps/runs: { env: [NOT_SET], permissions: { read: [/no/such/file], write: [/no/such/other] } }
  mcps/gone: {}`,
		},
	});
	for (const what of [
		/NOT_SET is not set/,
		/\/no\/such\/file, which is not there/,
		/\/no\/such\/other/,
		/mcps\/gone: there is no such/,
	]) {
		assert.ok(
			server.logged.some((line) => what.test(line)),
			String(what),
		);
	}
});
