import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { test } from "node:test";
import { createHostMetrics } from "../../../src/metrics/self/host-metrics.ts";
import type { HostSample } from "../../../src/metrics/self/sampled-gauges.ts";
import { createCollector, hostSource, OPENMETRICS } from "../../support/metrics-aggregate.ts";
import { parseStrictly, seriesOf } from "../../support/strict-exposition.ts";
import { until } from "../../support/until.ts";

/** Pinned: dashboards and alerts are written against these. */
const FAMILIES: Readonly<Record<string, string>> = {
	mcp_active_requests: "gauge",
	mcp_active_sessions: "gauge",
	mcp_auth_attempts_total: "counter",
	mcp_auth_certificate_expiry_timestamp_seconds: "gauge",
	mcp_auth_failures_total: "counter",
	mcp_auth_token_expiry_timestamp_seconds: "gauge",
	mcp_authz_checks_total: "counter",
	mcp_authz_denials_total: "counter",
	mcp_cache_requests_total: "counter",
	mcp_collect_dropped_total: "counter",
	mcp_collect_duration_seconds: "gauge",
	mcp_collect_last_success_timestamp_seconds: "gauge",
	mcp_collect_series: "gauge",
	mcp_collect_success: "gauge",
	mcp_config_reloads_total: "counter",
	mcp_config_validation_errors_total: "counter",
	mcp_host_restarts_total: "counter",
	mcp_event_loop_utilization_ratio: "gauge",
	mcp_http_request_duration_seconds: "histogram",
	mcp_http_request_size_bytes: "histogram",
	mcp_http_requests_total: "counter",
	mcp_http_response_size_bytes: "histogram",
	mcp_memory_usage_bytes: "gauge",
	mcp_module_cpu_seconds_total: "counter",
	mcp_open_connections: "gauge",
	mcp_prompts_by_server: "gauge",
	mcp_rate_limit_exceeded_total: "counter",
	mcp_request_duration_seconds: "histogram",
	mcp_request_errors_total: "counter",
	mcp_request_size_bytes: "histogram",
	mcp_requests_total: "counter",
	mcp_resource_read_duration_seconds: "histogram",
	mcp_resource_reads_total: "counter",
	mcp_resources_by_server: "gauge",
	mcp_response_size_bytes: "histogram",
	mcp_server_crashes_total: "counter",
	mcp_server_info: "gauge",
	mcp_server_isolation: "gauge",
	mcp_server_restarts_total: "counter",
	mcp_server_start_duration_seconds: "gauge",
	mcp_server_starts_total: "counter",
	mcp_server_stops_total: "counter",
	mcp_server_up: "gauge",
	mcp_servers: "gauge",
	mcp_session_messages_dropped_total: "counter",
	mcp_system_cpu_usage_ratio: "gauge",
	mcp_system_memory_usage_ratio: "gauge",
	mcp_task_duration_seconds: "histogram",
	mcp_tasks_pending: "gauge",
	mcp_tasks_running: "gauge",
	mcp_threads_abandoned_total: "counter",
	mcp_tool_calls_total: "counter",
	mcp_tool_conflicts_total: "counter",
	mcp_tool_duration_seconds: "histogram",
	mcp_tool_errors_total: "counter",
	mcp_tools_by_server: "gauge",
	mcp_uptime_seconds: "gauge",
};

test("every family of the host is there, under its name and type of the contract", async () => {
	const { metrics, collector } = createHost();
	recordOneOfEach(metrics);
	const page = await collector.families();
	const own = [...page].filter(([name]) => name.startsWith("mcp_")).map(([name, { type }]) => [name, type]);
	assert.deepEqual(Object.fromEntries(own), FAMILIES);
	for (const [name, family] of page) {
		assert.ok(family.help !== undefined && family.help !== "", `help of ${name}`);
		if (name.startsWith("mcp_")) assert.ok(family.samples.length > 0, `samples of ${name}`);
	}
	assert.ok(page.has("process_resident_memory_bytes") && page.has("nodejs_eventloop_lag_seconds"));
	await collector.families(OPENMETRICS);
	assert.deepEqual([...collector.dropped], []);
});

test("the host's own families lose nothing to the checks that a module's pass, whatever names modules and tools have", async () => {
	const { metrics, collector } = createHost();
	recordOneOfEach(metrics);
	for (const tool_name of ['a"b\\c\nd', "naïve 🦊", " ", "x".repeat(1000)]) {
		metrics.toolCalls.inc({ tool_name, status: "success" });
		metrics.toolDuration.observe({ tool_name }, 0.03);
	}
	const page = await collector.text();
	const again = Array.from(parseStrictly(page, "text").values(), ({ name, help = "", type, samples }) => ({
		name,
		help,
		type: type as "counter" | "gauge" | "histogram",
		values: samples.map((sample) => ({
			metricName: sample.name,
			labels: Object.fromEntries(sample.labels),
			value: sample.value,
		})),
	}));
	const checked = createCollector({ host: [hostSource(again)] });
	assert.equal(await checked.text(), page);
	assert.deepEqual([...checked.dropped], []);
});

test("promtool has nothing to say about the host's page", (t) => {
	if (spawnSync("promtool", ["--version"]).status !== 0)
		return t.skip("promtool is not installed (Debian: prometheus)");
	const { metrics, collector } = createHost();
	recordOneOfEach(metrics);
	return collector.text().then((page) => {
		const { status, stderr } = spawnSync("promtool", ["check", "metrics"], { input: page });
		assert.equal(status, 0, stderr.toString());
	});
});

test("what is recorded is on the next page", async () => {
	const { metrics, collector } = createHost();
	const shown = async (series: string) => seriesOf(await collector.families()).get(series);
	const series = 'mcp_tool_calls_total{status="success",tool_name="add"}';
	metrics.toolCalls.inc({ tool_name: "add", status: "success" });
	assert.equal(await shown(series), 1);
	metrics.toolCalls.inc({ tool_name: "add", status: "success" }, 2);
	assert.equal(await shown(series), 3);
	metrics.activeRequests.inc({ tool_name: "add" });
	metrics.activeRequests.inc({ tool_name: "add" }, -1);
	assert.equal(await shown('mcp_active_requests{tool_name="add"}'), 0);
	metrics.toolDuration.observe({ tool_name: "add" }, 0.2);
	assert.equal(await shown('mcp_tool_duration_seconds_count{tool_name="add"}'), 1);
	metrics.toolDuration.observe({ tool_name: "add" }, 0.25);
	metrics.toolDuration.observe({ tool_name: "add" }, 60);
	const bucket = (le: string) => shown(`mcp_tool_duration_seconds_bucket{le="${le}",tool_name="add"}`);
	assert.deepEqual([await bucket("0.1"), await bucket("0.25"), await bucket("30"), await bucket("+Inf")], [0, 2, 2, 3]);
	assert.equal(await shown('mcp_tool_duration_seconds_sum{tool_name="add"}'), 60.45);
	assert.equal(await shown("mcp_tool_conflicts_total"), 0);
});

test("uptime goes by the clock", async () => {
	const { collector, clock } = createHost();
	clock.now += 90_000;
	assert.equal(seriesOf(await collector.families()).get("mcp_uptime_seconds"), 90);
});

test("removeModule and removeTool delete every series of theirs, and no other", async () => {
	const { metrics, collector } = createHost();
	for (const server_id of ["metrics/a", "metrics/b"]) {
		metrics.serverUp.set({ server_id }, 1);
		metrics.collectDropped.inc({ server_id, reason: "series_limit" });
		metrics.collectDropped.inc({ server_id, reason: "invalid_value" });
		metrics.serverRestarts.inc({ server_id, reason: "crash" });
	}
	metrics.toolCalls.inc({ tool_name: "add", status: "success" });
	metrics.toolDuration.observe({ tool_name: "add" }, 1);
	metrics.requests.inc({ tool: "add", operation: "tools/call", status: "success" });
	metrics.requests.inc({ tool: "sub", operation: "tools/call", status: "success" });
	await collector.families();
	metrics.removeModule("metrics/a");
	metrics.removeTool("add");
	const page = await collector.text();
	assert.ok(!page.includes('"metrics/a"') && !page.includes('"add"'));
	assert.equal(page.split('"metrics/b"').length - 1, 4);
	assert.ok(page.includes('tool="sub"'));
	metrics.collectDropped.inc({ server_id: "metrics/a", reason: "series_limit" });
	assert.ok(
		(await collector.text()).includes('mcp_collect_dropped_total{reason="series_limit",server_id="metrics/a"} 1\n'),
	);
});

test("pages in two formats say the same of the event loop, which is measured anew by reading it", async () => {
	const { collector } = createHost();
	const lag = async (accept?: string): Promise<Record<string, number>> => {
		const values = [...seriesOf(await collector.families(accept))].filter(([name]) =>
			/^nodejs_eventloop_lag_(min|max|p99)/.test(name),
		);
		return Object.fromEntries(values);
	};
	// As the host's own, which began before: once this has seen the loop turn, that one has too.
	const seen = monitorEventLoopDelay({ resolution: 10 });
	seen.enable();
	await until(() => seen.count >= 3, "the event loop is measured");
	seen.disable();
	const text = await lag();
	assert.equal(Object.keys(text).length, 3);
	assert.ok((text["nodejs_eventloop_lag_max_seconds"] ?? 0) > 0);
	assert.deepEqual(await lag(OPENMETRICS), text);
});

test("what is sampled is read once a second, and written again only where it has changed", async () => {
	const { metrics, collector, clock, sample } = createHost();
	const shown = async (): Promise<Readonly<Record<string, number>>> =>
		Object.fromEntries(
			[...seriesOf(await collector.families())].filter(([series]) => /^mcp_(tasks|memory|event|system)/.test(series)),
		);
	const before = await shown();
	assert.deepEqual(before, {
		'mcp_tasks_pending{server_id="mcps/a"}': 1,
		'mcp_tasks_pending{server_id="metrics/down"}': 0,
		'mcp_tasks_running{server_id="mcps/a"}': 2,
		'mcp_tasks_running{server_id="metrics/down"}': 0,
		'mcp_memory_usage_bytes{server_id="mcps/a",type="heap_used"}': 100,
		'mcp_memory_usage_bytes{server_id="mcps/a",type="heap_total"}': 200,
		'mcp_memory_usage_bytes{server_id="mcps/a",type="external"}': 10,
		'mcp_memory_usage_bytes{server_id="host",type="heap_used"}': 300,
		'mcp_event_loop_utilization_ratio{server_id="mcps/a"}': 0.5,
		'mcp_event_loop_utilization_ratio{server_id="host"}': 0.25,
		mcp_system_cpu_usage_ratio: 0.75,
		mcp_system_memory_usage_ratio: 0.125,
	});
	const versionOf = (name: string) => metrics.sources.find(({ families }) => families[0]?.name === name)?.version();
	const pending = versionOf("mcp_tasks_pending");
	const cpu = versionOf("mcp_system_cpu_usage_ratio");
	sample.current = { ...SAMPLE, servers: SAMPLE.servers.slice(0, 1), cpuRatio: 0.5 };
	assert.deepEqual(await shown(), before, "within the second");
	clock.now += 1000;
	const after = await shown();
	assert.equal(after["mcp_system_cpu_usage_ratio"], 0.5);
	assert.ok(!Object.keys(after).some((series) => /down|host/.test(series)), "who is gone is not shown");
	sample.current = { ...SAMPLE, servers: SAMPLE.servers.slice(0, 1), cpuRatio: 0.25 };
	const later = versionOf("mcp_tasks_pending");
	clock.now += 1000;
	assert.notEqual(later, pending);
	assert.equal(versionOf("mcp_tasks_pending"), later);
	assert.notEqual(versionOf("mcp_system_cpu_usage_ratio"), cpu);
});

test("a family is read anew when a value of it has changed, and only then", async () => {
	const { metrics } = createHost();
	const source = metrics.sources.find(({ families }) => families[0]?.name === "mcp_collect_series");
	assert.ok(source !== undefined);
	const versions: number[] = [];
	const after = (change: () => void): void => {
		change();
		versions.push(source.version());
	};
	after(() => metrics.collectSeries.set({ server_id: "metrics/a" }, 0));
	after(() => metrics.collectSeries.set({ server_id: "metrics/a" }, 0));
	after(() => metrics.collectSeries.set({ server_id: "metrics/b" }, 0));
	after(() => metrics.collectSeries.set({ server_id: "metrics/a" }, 1));
	after(() => metrics.collectSeries.inc({ server_id: "metrics/a" }));
	after(() => metrics.collectSeries.set({ server_id: "metrics/a" }, 1));
	assert.deepEqual(versions, [1, 1, 2, 3, 4, 5]);
});

test("buckets are those of the contract", async () => {
	const { metrics, collector } = createHost();
	recordOneOfEach(metrics);
	const page = await collector.families();
	const boundsOf = (name: string): string =>
		[...new Set(page.get(name)?.samples.flatMap(({ labels }) => labels.get("le") ?? []))].join(" ");
	const tool = "0.001 0.0025 0.005 0.01 0.025 0.05 0.075 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10 30 60 +Inf";
	assert.equal(boundsOf("mcp_tool_duration_seconds"), tool);
	assert.equal(boundsOf("mcp_request_duration_seconds"), tool);
	assert.equal(boundsOf("mcp_resource_read_duration_seconds"), "0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 +Inf");
	assert.equal(boundsOf("mcp_http_request_duration_seconds"), "0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 +Inf");
	for (const name of ["mcp_request_size_bytes", "mcp_response_size_bytes", "mcp_http_request_size_bytes"])
		assert.equal(boundsOf(name), "10 100 1000 10000 100000 1000000 10000000 +Inf", name);
});

test("OpenMetrics has facts as info, and says when a counter and a histogram began", async () => {
	const { metrics, collector, clock } = createHost();
	const began = clock.now / 1000;
	metrics.toolCalls.inc({ tool_name: "add", status: "success" });
	metrics.toolDuration.observe({ tool_name: "add" }, 0.2);
	clock.now += 60_000;
	metrics.toolCalls.inc({ tool_name: "add", status: "success" });
	const page = await collector.families(OPENMETRICS);
	const info = page.get("mcp_server");
	assert.equal(info?.type, "info");
	const [facts] = info?.samples ?? [];
	assert.deepEqual(
		[facts?.name, facts?.value, facts?.labels.get("platform"), facts?.labels.get("version")],
		["mcp_server_info", 1, process.platform, "0.1.0"],
	);
	assert.equal(page.get("bulkhead_build")?.samples[0]?.labels.get("revision"), "abc");
	for (const family of ["mcp_tool_calls", "mcp_tool_duration_seconds"]) {
		const created = page.get(family)?.samples.filter(({ name }) => name === `${family}_created`);
		assert.deepEqual(
			created?.map(({ value }) => value),
			[began],
			family,
		);
	}
	assert.ok(!(await collector.families()).has("mcp_tool_calls_created"), "the text format has no word for it");
});

test("processor time of a module adds up over its workers, and goes with it", async () => {
	const { collector, clock, sample } = createHost();
	const secondsOf = async (): Promise<number | undefined> =>
		(await collector.families()).get("mcp_module_cpu_seconds_total")?.samples[0]?.value;
	const used = (cpuSeconds: number): void => {
		const usage = { memoryBytes: {}, eventLoopUtilization: 0, cpuSeconds };
		sample.current = { ...SAMPLE, servers: [{ serverId: "mcps/a", usage }] };
		clock.now += 1000;
	};
	used(1.5);
	assert.equal(await secondsOf(), 1.5);
	used(2);
	assert.equal(await secondsOf(), 2);
	used(0.25); // another worker
	assert.equal(await secondsOf(), 2.25);
	sample.current = { ...SAMPLE, servers: [] };
	clock.now += 1000;
	assert.equal(await secondsOf(), undefined);
});

function createHost() {
	const clock = { now: 1_700_000_000_000 };
	const sample = { current: SAMPLE };
	const metrics = createHostMetrics({
		revision: "abc",
		version: "0.1.0",
		serverName: "bulkhead",
		now: () => clock.now,
		sample: () => sample.current,
	});
	const collector = createCollector({ host: metrics.sources, clock });
	return { metrics, collector, clock, sample };
}

function recordOneOfEach(metrics: ReturnType<typeof createHostMetrics>): void {
	const tool = { tool_name: "add" };
	const request = { tool: "add", operation: "tools/call" };
	const module = { server_id: "metrics/a" };
	const status = "success";
	metrics.toolCalls.inc({ ...tool, status });
	metrics.toolDuration.observe(tool, 0.2);
	metrics.toolErrors.inc({ ...tool, error_type: "timeout" });
	metrics.activeRequests.set(tool, 1);
	metrics.requestSize.observe(tool, 20);
	metrics.responseSize.observe(tool, 200);
	metrics.cacheRequests.inc({ cache: "page", result: "hit" });
	metrics.requests.inc({ ...request, status });
	metrics.requestDuration.observe(request, 0.2);
	metrics.requestErrors.inc({ ...request, error_type: "timeout" });
	metrics.activeSessions.inc({});
	metrics.sessionMessagesDropped.inc({ ...module, reason: "session_gone" });
	metrics.resourceReads.inc({ status });
	metrics.resourceReadDuration.observe({}, 0.2);
	metrics.toolsByServer.set(module, 1);
	metrics.promptsByServer.set(module, 1);
	metrics.resourcesByServer.set(module, 1);
	metrics.toolConflicts.inc({});
	metrics.servers.set({ state: "running" }, 1);
	metrics.serverUp.set(module, 1);
	metrics.serverStarts.inc({ ...module, status });
	metrics.serverStops.inc({ ...module, status });
	metrics.serverRestarts.inc({ ...module, reason: "crash" });
	metrics.serverCrashes.inc(module);
	metrics.serverStartDuration.set(module, 0.1);
	metrics.threadsAbandoned.inc(module);
	metrics.serverIsolation.set({ ...module, level: "thread" }, 1);
	metrics.serverIsolation.set({ server_id: "mcps/x", level: "thread" }, 1);
	metrics.hostRestarts.inc({ reason: "crash" });
	metrics.collectSuccess.set(module, 1);
	metrics.collectDuration.set(module, 0.1);
	metrics.collectLastSuccess.set(module, 1_700_000_000);
	metrics.collectSeries.set(module, 10);
	metrics.collectDropped.inc({ ...module, reason: "series_limit" });
	metrics.configReloads.inc({ status });
	metrics.configValidationErrors.inc({ error_type: "invalid" });
	metrics.httpRequests.inc({ method: "GET", endpoint: "/metrics", status_code: "200" });
	metrics.httpRequestDuration.observe({ method: "GET", endpoint: "/metrics" }, 0.2);
	metrics.httpRequestSize.observe({ method: "GET", endpoint: "/metrics" }, 200);
	metrics.httpResponseSize.observe({ method: "GET", endpoint: "/metrics" }, 20_000);
	metrics.taskDuration.observe({ task_type: "call", status: "ok" }, 0.2);
	metrics.openConnections.inc({});
	metrics.authAttempts.inc({ method: "bearer", status: "failure" });
	metrics.authFailures.inc({ method: "bearer", reason: "unknown" });
	metrics.authzChecks.inc({ resource_type: "tool", status: "denied" });
	metrics.authzDenials.inc({ resource_type: "tool", reason: "hidden" });
	metrics.rateLimitExceeded.inc({ scope: "address" });
	metrics.tokenExpiry.set({ token_name: "prometheus" }, 1_800_000_000);
	metrics.certificateExpiry.set({}, 1_800_000_000);
}

const SAMPLE: HostSample = {
	servers: [
		{
			serverId: "mcps/a",
			work: { pending: 1, running: 2 },
			usage: {
				memoryBytes: { heap_used: 100, heap_total: 200, external: 10 },
				eventLoopUtilization: 0.5,
				cpuSeconds: 1.5,
			},
		},
		{ serverId: "metrics/down", work: { pending: 0, running: 0 } },
		{ serverId: "host", usage: { memoryBytes: { heap_used: 300 }, eventLoopUtilization: 0.25 } },
	],
	cpuRatio: 0.75,
	memoryRatio: 0.125,
};
