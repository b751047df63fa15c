import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { startExample } from "../support/example-server.ts";
import { sampleOf, type TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

test("memory: set, get, search, delete, and each is counted", async (t) => {
	const server = await startExample(t, { file: "mcps/memory.ts" });
	assert.equal(await call(server, "memory_get", { key: "a" }), "error: nothing is remembered under a");
	assert.equal(await call(server, "memory_set", { key: "a", value: "an apple" }), "remembered a");
	assert.equal(await call(server, "memory_get", { key: "a" }), "an apple");
	assert.equal(await call(server, "memory_search", { text: "APPLE" }), "a");
	assert.equal(await call(server, "memory_delete", { key: "a" }), "forgot a");
	assert.equal(await call(server, "memory_search", { text: "apple" }), "nothing was found");
	await counted(server, 'mcp_memory_operations_total{operation="get",status="error"}', 1);
	await counted(server, 'mcp_memory_operations_total{operation="search",status="success"}', 2);
});

test("without a backend the model and the cluster say what to set, and count what failed", async (t) => {
	const inference = await startExample(t, { file: "mcps/inference.ts" });
	assert.match(
		await call(inference, "ask_model", { prompt: "hello" }),
		/^error: no model is connected: grant MODEL_URL/,
	);
	const server = await startExample(t, { file: "mcps/kubernetes" });
	assert.match(await call(server, "kubernetes_pods", {}), /^error: no cluster can be reached/);
	await counted(server, 'mcp_kubernetes_operations_total{operation="list",resource="pods",status="error"}', 1);
});

test("inference: an answer of a server that speaks the protocol, its time and its tokens", async (t) => {
	const url = await serve(t, () => ({
		choices: [{ message: { content: "four" } }],
		usage: { prompt_tokens: 7, completion_tokens: 1 },
	}));
	const env = { MODEL_URL: `${url}/v1`, MODEL_NAME: "tiny" };
	const server = await startExample(t, { file: "mcps/inference.ts", env });
	assert.equal(await call(server, "ask_model", { prompt: "two and two?" }), "four");
	await counted(server, 'mcp_neural_tokens_processed_total{model="tiny",direction="input"}', 7);
	await counted(server, 'mcp_neural_inference_duration_seconds_count{model="tiny",operation="chat"}', 1);
});

test("kubernetes: pods, what is wrong with them, and a restart that is a dry run at first", async (t) => {
	const asked: string[] = [];
	const url = await serve(t, (method, path) => {
		asked.push(`${method} ${path}`);
		return { items: [pod("well", true), pod("loops", false, "CrashLoopBackOff"), pod("slow", false)] };
	});
	const server = await startExample(t, { file: "mcps/kubernetes", env: { KUBERNETES_API_URL: url } });
	assert.equal(await call(server, "kubernetes_pods", {}), "well: Running\nloops: Running\nslow: Running");
	assert.equal(await call(server, "kubernetes_diagnose", { namespace: "shop" }), "loops: crash_loop\nslow: not_ready");
	assert.match(await call(server, "kubernetes_restart_pod", { pod: "loops" }), /would be deleted/);
	assert.match(await call(server, "kubernetes_restart_pod", { pod: "loops", dryRun: false }), /is being replaced/);
	assert.deepEqual(asked, [
		"GET /api/v1/namespaces/default/pods",
		"GET /api/v1/namespaces/shop/pods",
		"DELETE /api/v1/namespaces/default/pods/loops?dryRun=All",
		"DELETE /api/v1/namespaces/default/pods/loops",
	]);
	await counted(server, 'mcp_pods_diagnosed_total{namespace="shop",issue_type="none"}', 1);
	await counted(server, 'mcp_issues_detected_total{namespace="shop",issue_type="crash_loop"}', 1);
	await counted(server, 'mcp_remediation_actions_total{action="restart_pod",status="dry_run"}', 1);
});

function pod(name: string, ready: boolean, reason?: string) {
	const state = reason === undefined ? {} : { waiting: { reason } };
	return { metadata: { name }, status: { phase: "Running", containerStatuses: [{ ready, restartCount: 0, state }] } };
}

async function call(server: TestServer, tool: string, args: Record<string, unknown>): Promise<string> {
	const { body } = await server.execute(tool, args);
	return `${body.isError === true ? "error: " : ""}${body.content?.[0]?.text}`;
}

async function counted(server: TestServer, series: string, value: number): Promise<void> {
	await until(async () => sampleOf(await server.metrics(), series) === value, `${series} ${value}`, 20_000);
}

/** A backend that answers everything with JSON. */
async function serve(t: TestContext, answer: (method: string, path: string) => unknown): Promise<string> {
	const backend = createServer((request, response) => {
		response.setHeader("content-type", "application/json");
		response.end(JSON.stringify(answer(request.method ?? "", request.url ?? "")));
	});
	backend.listen(0, "127.0.0.1");
	await once(backend, "listening");
	t.after(() => backend.close());
	return `http://127.0.0.1:${(backend.address() as AddressInfo).port}`;
}
