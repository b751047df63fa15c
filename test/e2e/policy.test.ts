import assert from "node:assert/strict";
import { test } from "node:test";
import { messagesOf, post, toolCall } from "../support/mcp-post.ts";
import { sampleOf, startTestServer, testSetup } from "../support/test-server.ts";
import { startServer } from "../../src/composition/start-server.ts";
import { until } from "../support/until.ts";

const ENV_TOOL = `import type { McpServer } from "@modelcontextprotocol/server";
export default function register(server: McpServer, context: { env: Record<string, string> }) {
	server.registerTool("env", {}, async () => ({ content: [{ type: "text", text: JSON.stringify([context.env, { ...process.env }]) }] }));
}`;

async function seenEnv(server: Awaited<ReturnType<typeof startTestServer>>): Promise<unknown> {
	return JSON.parse((await server.execute("env")).body.content?.[0]?.text ?? "null");
}

test("a module sees the variables that its policy names, and no other", async (t) => {
	const server = await startTestServer(t, {
		files: { "mcps/env.ts": ENV_TOOL, "plugins.yaml": "modules: { mcps/env: { env: [GRANTED, NOT_SET] } }" },
		env: { GRANTED: "yes", SECRET: "no" },
	});
	assert.deepEqual(await seenEnv(server), [{ GRANTED: "yes" }, { GRANTED: "yes" }]);
});

test("a changed policy restarts the modules that it changes and no other; a wrong one changes nothing", async (t) => {
	const server = await startTestServer(t, {
		examples: true,
		files: { "mcps/env.ts": ENV_TOOL, "plugins.yaml": "modules: {}" },
		env: { GRANTED: "yes" },
	});
	await server.save("plugins.yaml", "modules: { mcps/env: { env: [GRANTED] } }");
	await until(async () => (await server.module("mcps/env")).restarts["policy"] === 1, "the module is restarted");
	assert.deepEqual(await seenEnv(server), [{ GRANTED: "yes" }, { GRANTED: "yes" }]);
	assert.deepEqual((await server.module("mcps/custom-mcp-1")).restarts, {});
	assert.equal(sampleOf(await server.metrics(), 'mcp_config_reloads_total{status="success"}'), 1);

	await server.save("plugins.yaml", "modules:\n  mcps/env: { memory: 7 }\n");
	const errors = 'mcp_config_validation_errors_total{error_type="plugin_policy"}';
	await until(async () => sampleOf(await server.metrics(), errors) === 1, "the problem is counted");
	assert.ok(server.logged.some((line) => /plugins\.yaml:2:\d+ modules\.mcps\/env\.memory is not a setting/.test(line)));
	assert.deepEqual(await seenEnv(server), [{ GRANTED: "yes" }, { GRANTED: "yes" }]);
});

test("a disabled module does not run, and runs when it is enabled", async (t) => {
	const server = await startTestServer(t, {
		files: { "mcps/env.ts": ENV_TOOL, "plugins.yaml": "modules: { mcps/env: { enabled: false } }" },
	});
	assert.equal((await server.module("mcps/env")).state, "disabled");
	assert.equal((await server.execute("env")).status, 404);
	await server.save("plugins.yaml", "modules: { mcps/env: { enabled: true } }");
	await until(async () => (await server.module("mcps/env")).state === "running", "it runs");
	assert.equal((await server.execute("env")).status, 200);
	await server.save("plugins.yaml", "modules: { mcps/env: { enabled: false } }");
	await until(async () => (await server.module("mcps/env")).state === "disabled", "it has stopped");
	assert.ok((await server.execute("env")).status >= 404);
});

test("limits of the policy hold for its module", async (t) => {
	const source = `import { Gauge } from "prom-client"; const g = new Gauge({ name: "many", help: "h", labelNames: ["i"] });
		export function process() { for (let i = 0; i < 50; i++) g.set({ i }, i); }`;
	const server = await startTestServer(t, {
		files: {
			"metrics/many.js": source,
			"metrics/free.js": source.replace('"many"', '"free"'),
			"plugins.yaml": "modules: { metrics/many: { maxSeries: 10 } }",
		},
	});
	const isCollected = async (module: string) => (await server.module(module)).collection !== null;
	await until(async () => (await isCollected("metrics/many")) && isCollected("metrics/free"), "both are collected");
	assert.deepEqual(
		(await server.module("metrics/many")).collection?.drops.map(({ reason }) => reason),
		["series_limit"],
	);
	assert.equal(sampleOf(await server.metrics(), 'free{i="49"}'), 49);
});

/** A tool that holds its place until it is cancelled, and one that does not even let go then. */
const HOLDING = `
	export default (server) => {
		server.registerTool("hold", {}, ({ mcpReq: { signal } }) =>
			new Promise((resolve) => signal.addEventListener("abort", () => resolve({ content: [] }))),
		);
		server.registerTool("keep", {}, () => new Promise(() => {}));
	};`;

test("a policy's time for a call holds for its wait and its run together", async (t) => {
	const { url, metrics } = await startTestServer(t, {
		files: { "mcps/holding.js": HOLDING, "plugins.yaml": "modules: { mcps/holding: { callTimeoutMs: 3000 } }" },
		env: { CALL_CONCURRENCY: "1", CALL_TIMEOUT_MS: "60000" },
	});
	const active = (tool: string, count: number): Promise<void> =>
		until(
			async () => sampleOf(await metrics(), `mcp_active_requests{tool_name="${tool}"}`) === count,
			`${count} calls of ${tool}`,
		);
	const messageOf = async (answer: Promise<Response>): Promise<string> =>
		(await messagesOf(await answer)).at(-1)?.error?.message ?? "";

	const controller = new AbortController();
	const first = post(url, toolCall("hold"), { signal: controller.signal });
	await active("hold", 1);
	const second = messageOf(post(url, toolCall("keep")));
	await active("keep", 1);
	controller.abort();
	await Promise.allSettled([first]);
	const third = messageOf(post(url, toolCall("hold")));
	const [, ranMs] = /did not answer within (\d+) ms/.exec(await second) ?? [];
	assert.ok(Number(ranMs) < 3000, `it had waited before it ran for ${ranMs} ms`);
	assert.match(await third, /busy with other calls for the 3000 ms that the call had/);
});

/** Has a template whose list never comes when the request says so. */
const NEVER_LISTS = `
	import { ResourceTemplate } from "@modelcontextprotocol/server";
	const first = { resources: [{ uri: "doc://first", name: "first" }] };
	export default (server) => {
		const list = ({ mcpReq }) => (mcpReq._meta?.never ? new Promise(() => {}) : first);
		server.registerResource("doc", new ResourceTemplate("doc://{name}", { list }), {}, () => ({ contents: [] }));
	};`;

test("a list does not wait as long as a policy lets a call take", async (t) => {
	const { url } = await startTestServer(t, {
		files: { "mcps/never.js": NEVER_LISTS, "plugins.yaml": "modules: { mcps/never: { callTimeoutMs: 60000 } }" },
	});
	const request = { jsonrpc: "2.0", id: 1, method: "resources/list", params: { _meta: { never: true } } };
	const [listed] = await messagesOf(await post(url, request, { signal: AbortSignal.timeout(20_000) }));
	assert.deepEqual(listed?.result, { resources: [{ uri: "doc://first", name: "first" }] });
});

test("a wrong policy at the start stops it, with every problem and its line", async (t) => {
	const setup = await testSetup(t, { files: { "plugins.yaml": "defaults: { memoryMb: 1 }\nmodules: { x: {} }" } });
	await assert.rejects(startServer(setup.options), (error: Error & { code?: string }) => {
		assert.equal(error.code, "CONFIG_INVALID");
		assert.match(error.message, /plugins\.yaml:1:13 defaults\.memoryMb must be at least 16/);
		assert.match(error.message, /plugins\.yaml:2:12 modules\.x/);
		return true;
	});
});

test("concurrency and queue hold for the module that they are said of", async (t) => {
	const holds = (tool: string): string => `import type { McpServer } from "@modelcontextprotocol/server";
		export default function register(server: McpServer) {
			server.registerTool("${tool}", {}, () => new Promise(() => undefined));
		}`;
	const server = await startTestServer(t, {
		files: {
			"mcps/narrow.ts": holds("narrow"),
			"mcps/wide.ts": holds("wide"),
			"plugins.yaml": "modules: { mcps/narrow: { concurrency: 1, queue: 1 } }",
		},
	});
	const calls = new AbortController();
	const held = ["narrow", "narrow", "wide", "wide", "wide"].map((tool) => server.execute(tool, {}, calls.signal));
	try {
		await until(async () => {
			const page = await server.metrics();
			const [pending, running, wide] = [
				'mcp_tasks_pending{server_id="mcps/narrow"}',
				'mcp_tasks_running{server_id="mcps/narrow"}',
				'mcp_tasks_running{server_id="mcps/wide"}',
			].map((series) => sampleOf(page, series));
			return pending === 1 && running === 1 && wide === 3;
		}, "one runs and one waits of the narrow one's, all of the other's run");
		const refused = await server.execute("narrow");
		assert.equal(refused.body.code, "MODULE_BUSY");
	} finally {
		calls.abort();
		await Promise.allSettled(held);
	}
});

test("a module that its operator has disabled is no failure of the host's", async (t) => {
	const server = await startTestServer(t, {
		files: {
			"mcps/env.ts": ENV_TOOL,
			"metrics/off.mjs": "export function process() {}",
			"plugins.yaml": "modules: { metrics/off: { enabled: false } }",
		},
	});
	const health = async (): Promise<Record<string, unknown>> =>
		(await (await fetch(`${server.url}/health`)).json()) as Record<string, unknown>;
	const { status, modules } = await health();
	assert.deepEqual({ status, modules }, { status: "ok", modules: { total: 2, serving: 1, failing: [] } });
	await server.save("metrics/broken.mjs", "export function process( {}");
	await until(async () => (await health())["status"] === "degraded", "a module that does not compile is one");
});

test("a module that is removed lets its calls finish within its own deadline, not the host's", async (t) => {
	const server = await startTestServer(t, {
		files: {
			"mcps/patient.ts": `import type { McpServer } from "@modelcontextprotocol/server";
				export default function register(server: McpServer) {
					server.registerTool("patient", {}, async () => {
						await new Promise((resolve) => setTimeout(resolve, 4000));
						return { content: [{ type: "text", text: "done" }] };
					});
				}`,
			"plugins.yaml": "modules: { mcps/patient: { callTimeoutMs: 30000 } }",
		},
		env: { CALL_TIMEOUT_MS: "100" },
	});
	const running = 'mcp_tasks_running{server_id="mcps/patient"}';
	const answer = server.execute("patient");
	await until(async () => sampleOf(await server.metrics(), running) === 1, "it runs");
	await server.remove("mcps/patient.ts");
	assert.equal((await answer).body.content?.[0]?.text, "done");
});
