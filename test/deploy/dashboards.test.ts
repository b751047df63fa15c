import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { DASHBOARDS } from "../../scripts/dashboards/dashboards.ts";
import { dashboardJson, queriesOf } from "../../scripts/dashboards/panels.ts";
import { startPrometheus } from "../support/prometheus.ts";
import { tokensFile } from "../support/auth-tokens.ts";
import { startTestServer, testSetup } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const FOLDER = path.join(import.meta.dirname, "../../deploy/grafana/dashboards");

test("the dashboards that ship are those of scripts/dashboards (npm run deploy:dashboards), and fit Grafana's grid", () => {
	assert.deepEqual(
		readdirSync(FOLDER).toSorted(),
		Object.keys(DASHBOARDS)
			.map((name) => `${name}.json`)
			.toSorted(),
	);
	for (const [name, dashboard] of Object.entries(DASHBOARDS)) {
		const text = readFileSync(path.join(FOLDER, `${name}.json`), "utf8");
		assert.equal(text, dashboardJson(dashboard), name);
		const { panels } = JSON.parse(text) as { panels: { title: string; gridPos: { x: number; w: number } }[] };
		for (const { title, gridPos } of panels) assert.ok(gridPos.x + gridPos.w <= 24, title);
	}
});

test("the panels of the reference systems are there, by title and query", () => {
	const panels = new Map(
		Object.values(DASHBOARDS)
			.flatMap(({ rows }) => rows.flatMap(([, row]) => row))
			.map(({ title, queries }) => [title, queries.map(([expr]) => expr)]),
	);
	const expected = {
		"Tool Call Rate": "rate(mcp_tool_calls_total[5m])",
		"Active Requests": "sum(mcp_active_requests)",
		"Error Rate": "rate(mcp_tool_errors_total[5m])",
		"Tool Duration (p95)": "histogram_quantile(0.95, rate(mcp_tool_duration_seconds_bucket[5m]))",
		"Tool Calls by Tool": "sum by (tool_name) (mcp_tool_calls_total)",
		"Kubernetes Operations": "mcp_kubernetes_operations_total",
		"Tool Execution Rate": "rate(mcp_tool_calls_total[5m])",
		"Active Sessions": "mcp_active_sessions",
		"HTTP request rate by endpoint": "sum(rate(mcp_http_requests_total[5m])) by (endpoint)",
	};
	for (const [title, query] of Object.entries(expected)) assert.deepEqual(panels.get(title), [query], title);
});

test("every query of every panel has data from a host with traffic", async (t) => {
	const server = await startTestServer(t, {
		examples: true,
		files: { "mcps/cluster.ts": CLUSTER },
		env: { COLLECT_INTERVAL_MS: "500" },
	});
	const { host } = new URL(server.url);
	const { folder } = await testSetup(t, {
		files: { "tokens.yaml": tokensFile([{ name: "prometheus", scopes: ["metrics"] }]) },
	});
	const guarded = await startTestServer(t, { env: { AUTH_TOKENS_FILE: path.join(folder, "tokens.yaml") } });
	const guardedJob = `{job_name: guarded, authorization: {credentials: token-of-prometheus}, static_configs: [{targets: ["${new URL(guarded.url).host}"]}]}`;
	const prometheus = await startPrometheus(
		t,
		`global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs: [{job_name: bulkhead, static_configs: [{targets: ["${host}"]}]}, ${guardedJob}]`,
	);
	const pending = new Set(Object.values(DASHBOARDS).flatMap(queriesOf));
	await until(
		async () => {
			await server.execute("add", { a: 1, b: 2 });
			await server.execute("add", { a: "one" });
			await fetch(`${guarded.url}/mcp`, { method: "POST" });
			await server.rpc("resources/read", { uri: "greeting://Ada" });
			for (const query of [...pending]) if (await hasData(query)) pending.delete(query);
			return pending.size === 0;
		},
		() => `data for ${[...pending].join("\n")}`,
		60_000,
	);

	async function hasData(query: string): Promise<boolean> {
		const samples = await prometheus.query(query);
		return samples.some(({ value }) => value[1] !== "NaN");
	}
});

const CLUSTER = `
	import { Counter } from "prom-client";
	const operations = new Counter({
		name: "mcp_kubernetes_operations_total", help: "Operations", labelNames: ["operation", "resource", "status"],
	});
	operations.inc({ operation: "list", resource: "pods", status: "success" });
	export default function register() {}
`;
