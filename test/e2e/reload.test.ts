import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { sampleOf, startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const SAVES = 50;

function tool(version: number): string {
	return `import type { McpServer } from "@modelcontextprotocol/server";
export default function register(server: McpServer) {
	server.registerTool("version", { description: "version ${version}" }, async () => {
		await new Promise((resolve) => setTimeout(resolve, 5));
		return { content: [{ type: "text", text: "${version}" }] };
	});
}
`;
}

test(`${SAVES} saves under calls: each call is answered by one version or the other`, async (t) => {
	const server = await startTestServer(t, { files: { "mcps/live.ts": tool(0) } });
	let going = true;
	let seen = 0;
	let calls = 0;
	const caller = async (): Promise<void> => {
		while (going) {
			const { status, body } = await server.execute("version");
			assert.equal(status, 200, JSON.stringify(body));
			const version = Number(body.content?.[0]?.text);
			assert.ok(Number.isInteger(version) && version >= 0 && version <= SAVES);
			seen = Math.max(seen, version);
			calls += 1;
		}
	};
	const callers = [caller(), caller()];
	for (let version = 1; version <= SAVES; version++) {
		await server.save("mcps/live.ts", tool(version));
		await until(() => seen === version, `version ${version} answers`);
	}
	going = false;
	await Promise.all(callers);
	assert.ok(calls >= SAVES);
	assert.equal((await server.module("mcps/live")).restarts["reload"], SAVES);
});

test("a saved tool and a saved metric answer soon, whatever the interval of collections", async (t) => {
	const gauge = (value: number): string =>
		`import { Gauge } from "prom-client"; const g = new Gauge({ name: "saved", help: "h" }); export function process() { g.set(${value}); }`;
	const server = await startTestServer(t, {
		files: { "metrics/live.ts": gauge(1), "mcps/live.ts": tool(1) },
		env: { COLLECT_INTERVAL_MS: "600000" },
	});
	await until(async () => sampleOf(await server.metrics(), "saved") === 1, "the first metric shows");
	await server.save("metrics/live.ts", gauge(2));
	await until(async () => sampleOf(await server.metrics(), "saved") === 2, "the new metric shows");
	await server.save("mcps/live.ts", tool(2));
	await until(async () => (await server.execute("version")).body.content?.[0]?.text === "2", "the new tool answers");
});

test("a syntax error changes nothing for callers and shows where it is", async (t) => {
	const server = await startTestServer(t, { files: { "mcps/live.ts": tool(1) } });
	await server.save("mcps/live.ts", tool(2).replace("async () => {", "async () => {{"));
	await until(async () => (await server.module("mcps/live")).load_error !== null, "the error shows");
	const module = await server.module("mcps/live");
	assert.equal(module.state, "degraded");
	assert.equal(module.load_error?.file, "mcps/live.ts");
	assert.ok((module.load_error?.line ?? 0) > 1);
	assert.notEqual(module.load_error?.message, "");
	assert.notEqual(module.load_error?.frame ?? "", "");
	assert.equal((await server.execute("version")).body.content?.[0]?.text, "1");

	await server.save("mcps/live.ts", tool(1));
	await until(async () => (await server.module("mcps/live")).load_error === null, "the repaired file clears it");
	assert.equal((await server.module("mcps/live")).generation, 1);
});

test("a version that compiles and does not start leaves the old one serving, with the author's line", async (t) => {
	const server = await startTestServer(t, { files: { "mcps/live.ts": tool(1) } });
	await server.save("mcps/live.ts", `\n\nthrow new Error("no database today");\n${tool(2)}`);
	await until(async () => (await server.module("mcps/live")).load_error !== null, "the error shows");
	const module = await server.module("mcps/live");
	assert.match(module.load_error?.message ?? "", /no database today/);
	assert.equal(module.load_error?.file, "mcps/live.ts");
	assert.equal(module.load_error?.line, 3);
	assert.equal((await server.execute("version")).body.content?.[0]?.text, "1");
});

test("modules come and go with their files, and clients that listen hear of it once", async (t) => {
	const server = await startTestServer(t, { files: { "mcps/live.ts": tool(1) } });
	const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode: "auto" } });
	await client.connect(new StreamableHTTPClientTransport(new URL(`${server.url}/mcp`)));
	t.after(() => client.close());
	let heard = 0;
	client.setNotificationHandler("notifications/tools/list_changed", () => {
		heard += 1;
	});
	await client.listen({ toolsListChanged: true });

	await server.save("mcps/second.ts", tool(1).replace('"version"', '"second"'));
	await until(() => heard === 1, "the new tool is announced");
	assert.equal((await server.execute("second")).status, 200);
	await server.save("mcps/second.ts", tool(1).replace('"version"', '"second"')); // not a byte differs
	await server.remove("mcps/second.ts");
	await until(() => heard === 2, "its end is announced");
	assert.equal((await server.execute("second")).status, 404);
	assert.equal((await fetch(`${server.url}/api/modules/mcps/second`)).status, 404);
	assert.equal(heard, 2);
});

test("a name that another module has is refused, shown and counted", async (t) => {
	const server = await startTestServer(t, {
		files: { "mcps/a.ts": tool(1) },
		env: { COLLECT_MAX_AGE_MS: "1000" }, // as long as the name of a removed file is kept for it
	});
	await server.save("mcps/0-first-by-name.ts", tool(2));
	await until(async () => (await server.module("mcps/0-first-by-name")).conflicts?.length === 1, "the conflict shows");
	assert.deepEqual((await server.module("mcps/0-first-by-name")).conflicts, [
		{ list: "tools", name: "version", owner: "mcps/a" },
	]);
	assert.equal((await server.execute("version")).body.content?.[0]?.text, "1");
	assert.equal(sampleOf(await server.metrics(), "mcp_tool_conflicts_total"), 1);
	await server.remove("mcps/a.ts");
	await until(
		async () => (await server.execute("version")).body.content?.[0]?.text === "2",
		"the name goes to the next, once it is not kept any more",
	);
});

test("the state folder may be deleted at any time: the next restart writes what it needs", async (t) => {
	const exits = tool(1).replace("await new", "setTimeout(() => process.exit(3), 500); await new");
	const server = await startTestServer(t, { files: { "mcps/live.ts": exits } });
	await server.remove(".bulkhead");
	assert.equal((await server.execute("version")).status, 200);
	await until(
		async () => (await server.module("mcps/live")).generation === 2,
		"it has ended itself and is started again",
	);
	assert.equal((await server.execute("version")).status, 200);
	assert.equal((await server.module("mcps/live")).load_error, null);
});
