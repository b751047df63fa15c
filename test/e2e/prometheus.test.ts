import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { freePort } from "../../src/free-port.ts";
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
	const folder = await mkdtemp(path.join(tmpdir(), "bulkhead-prometheus-"));
	t.after(() => rm(folder, { recursive: true, force: true }));
	const config = (await readFile(SHIPPED, "utf8"))
		.replace("127.0.0.1:8000", new URL(server.url).host)
		.replaceAll(/(scrape_interval|scrape_timeout): \S+/g, "$1: 1s");
	await writeFile(path.join(folder, "prometheus.yml"), config);

	const port = await freePort();
	const prometheus = spawn(
		"prometheus",
		[
			`--config.file=${folder}/prometheus.yml`,
			`--storage.tsdb.path=${folder}/data`,
			`--web.listen-address=127.0.0.1:${port}`,
		],
		{ stdio: "ignore" },
	);
	t.after(async () => {
		prometheus.kill("SIGKILL");
		if (prometheus.exitCode === null) await once(prometheus, "exit");
	});
	const query = async (
		expression: string,
	): Promise<readonly { readonly metric: Record<string, string>; readonly value: [number, string] }[]> => {
		const response = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expression)}`);
		return ((await response.json()) as { data: { result: [] } }).data.result;
	};
	await until(
		async () => {
			try {
				return (await query("up")).some(({ value }) => value[1] === "1");
			} catch {
				return false; // it does not listen yet
			}
		},
		"up is 1",
		30_000,
	);
	const names = new Set((await query('{job="bulkhead"}')).map(({ metric }) => metric["__name__"]));
	for (const family of SHIPPED_FAMILIES) assert.ok(names.has(family), `${family} has samples`);
	assert.deepEqual(await query("up == 0"), []);
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
