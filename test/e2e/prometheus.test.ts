import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { startPrometheus } from "../support/prometheus.ts";
import { startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const SHIPPED = path.join(import.meta.dirname, "../../deploy/prometheus/prometheus.yml");

test("promtool has nothing to say about the page", async (t) => {
	const server = await startTestServer(t, { examples: true });
	await server.execute("add", { a: 1, b: 2 });
	const page = await server.metrics();
	const checked = spawnSync("promtool", ["check", "metrics"], { input: page, encoding: "utf8" });
	assert.equal(checked.error, undefined, "promtool is needed: apt-get install prometheus");
	assert.equal(checked.stderr + checked.stdout, "");
	assert.equal(checked.status, 0);
});

test("a real Prometheus with the shipped configuration scrapes it: up, and samples of every shipped family", async (t) => {
	const server = await startTestServer(t, { examples: true });
	await server.execute("add", { a: 1, b: 2 });
	await until(async () => {
		const page = await server.metrics();
		return SHIPPED_FAMILIES.every((family) => new RegExp(`^${family}[ {]`, "m").test(page));
	}, "every family is on the page");
	// Often enough for a test, and with time enough for a busy machine.
	const config = (await readFile(SHIPPED, "utf8"))
		.replace("127.0.0.1:8000", new URL(server.url).host)
		.replaceAll(/(scrape_interval|scrape_timeout): \S+/g, "$1: 10s");
	const prometheus = await startPrometheus(t, config);
	await until(async () => (await prometheus.query("up == 1")).length === 1, "up is 1", 60_000);
	const names = new Set((await prometheus.query('{job="bulkhead"}')).map(({ metric }) => metric["__name__"]));
	for (const family of SHIPPED_FAMILIES) assert.ok(names.has(family), `${family} has samples`);
	assert.deepEqual(await prometheus.query("up == 0"), []);
});

const SHIPPED_FAMILIES = [
	"custom_metric_1",
	"hash_bytes_total",
	"hash_duration_seconds_bucket",
	"hash_duration_seconds_count",
	"hash_recent_duration_seconds",
	"machine_load_average",
	"machine_memory_size_bytes",
	"machine_memory_available_bytes",
	"machine_filesystem_size_bytes",
	"machine_filesystem_available_bytes",
	"module_uptime_seconds",
	"legacy_collections_total",
	"countdowns_total",
	"mcp_tool_calls_total",
	"mcp_server_up",
	"mcp_servers",
	"mcp_collect_success",
	"mcp_http_requests_total",
	"mcp_server_info",
	"mcp_uptime_seconds",
	"process_cpu_seconds_total",
];
