import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { pageProblem } from "../../src/cli/doctor/strict-page.ts";
import { bulkhead } from "../support/cli.ts";
import { startTestServer, testSetup } from "../support/test-server.ts";
import { until } from "../support/until.ts";

interface Report {
	readonly checks: readonly { readonly check: string; readonly status: string; readonly detail: string }[];
}

const DESK = `export default (server) => {
	server.registerTool("now", { description: "The time", annotations: { readOnlyHint: true } }, () => ({ content: [] }));
	server.registerTool("drop", { description: "Drops all" }, () => { process.exit(1); });
	server.registerResource("note", "note://one", {}, () => ({ contents: [{ uri: "note://one", text: "a note" }] }));
	server.registerPrompt("ask", {}, () => ({ messages: [] }));
};`;

test("doctor tries every route of a running host, its page, and one of each offer that is safe to try", async (t) => {
	const server = await startTestServer(t, {
		files: { "mcps/desk.js": DESK },
		env: { MODULE_START_TIMEOUT_MS: "60000" },
	});
	const run = async () => {
		const { code, stdout, stderr } = await bulkhead(["doctor", "--json"], {
			cwd: "/",
			env: { BULKHEAD_URL: server.url },
		});
		assert.equal(stderr, "");
		const { checks } = JSON.parse(stdout) as Report;
		return { code, statuses: Object.fromEntries(checks.map(({ check, status }) => [check, status])) };
	};
	const { code, statuses } = await run();
	assert.equal(code, 0, JSON.stringify(statuses));
	for (const check of [
		"GET /metrics",
		"GET /api/modules",
		"GET /readyz",
		"metrics page",
		"call now",
		"read note://one",
		"prompt ask",
	])
		assert.equal(statuses[check], "ok", check);
	await server.save("metrics/broken.js", "export const nothing = 1;");
	await until(async () => (await run()).code === 1, "a broken module is found");
	assert.equal((await run()).statuses["modules"], "failed");
});

test("doctor says what a host would miss on this machine", async (t) => {
	const { folder } = await testSetup(t);
	const taken = createServer().listen(0, "127.0.0.1");
	await once(taken, "listening");
	t.after(() => taken.close());
	const run = async (env: Record<string, string>) => {
		const { code, stdout } = await bulkhead(["doctor", "--json"], { cwd: folder, env });
		const { checks } = JSON.parse(stdout) as Report;
		return { code, of: (name: string) => checks.find(({ check }) => check === name) };
	};
	const good = await run({ PORT: "0" });
	assert.equal(good.code, 0);
	assert.equal(good.of("node")?.status, "ok");
	const bad = await run({ PORT: String((taken.address() as AddressInfo).port), TMPDIR: "/none", MCPS_DIR: "none" });
	assert.equal(bad.code, 1);
	assert.match(bad.of("port")?.detail ?? "", /taken by another program: stop it, or set PORT/);
	assert.equal(bad.of("temporary folder")?.status, "failed");
	assert.equal(bad.of("MCPS_DIR")?.status, "warning");
	assert.match((await run({ PORT: "many" })).of("configuration")?.detail ?? "", /PORT=many: must be/);
});

test("a page is read strictly", () => {
	assert.equal(pageProblem('# HELP a b\n# TYPE a counter\na{x="\\"\\n"} 1\na{x="y"} +Inf 12\n'), undefined);
	for (const page of [
		"a 1",
		"a b\n",
		"a 1\na 1\n",
		"# TYPE a odd\n",
		"# TYPE a gauge\n# TYPE a gauge\n",
		'a{x="\n"} 1\n',
		"1a 2\n",
	])
		assert.notEqual(pageProblem(page), undefined, page);
	assert.notEqual(pageProblem("# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# HELP a x\n"), undefined);
});
