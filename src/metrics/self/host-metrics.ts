/**
 * The host's own metrics, under names that dashboards rely on. A label only ever holds a registered name or a member of a fixed
 * list: whoever records a tool nobody registered records it as `UNKNOWN_TOOL`.
 */
import { collectDefaultMetrics, Registry } from "prom-client";
import { createHostFamilies } from "./instruments.ts";
import { type LibrarySource, REFRESH_MS } from "./host-source.ts";
import { metricTypeOf } from "../validate/metric-names.ts";
import { type HostSample, sampledGauges } from "./sampled-gauges.ts";

/** What an unknown tool is counted as. */
export const UNKNOWN_TOOL = "unknown";

export interface HostMetricsOptions {
	/** The package's version. */
	readonly version: string;
	/** The commit that it was built from, where that is known. */
	readonly revision: string;
	readonly serverName: string;
	/** Milliseconds since the epoch. */
	readonly now: () => number;
	/** Called when the metrics are read, once a second at most. */
	readonly sample: () => HostSample;
}

export type HostMetrics = ReturnType<typeof createHostMetrics>;

/** Makes every family; durations are seconds, sizes bytes, timestamps seconds since the epoch. */
export function createHostMetrics({ version, revision, serverName, now, sample }: HostMetricsOptions) {
	const families = createHostFamilies(now);
	const { counter, gauge, histogram } = families;
	const startedAt = now();

	const metrics = {
		toolCalls: counter("mcp_tool_calls_total", "Tool calls.", ["tool_name", "status"]),
		toolDuration: histogram("mcp_tool_duration_seconds", "Time that tool calls took.", TOOL_SECONDS, ["tool_name"]),
		toolErrors: counter("mcp_tool_errors_total", "Tool calls that failed.", ["tool_name", "error_type"]),
		activeRequests: gauge("mcp_active_requests", "Tool calls being worked on.", ["tool_name"]),
		requestSize: histogram("mcp_request_size_bytes", "Size of the parameters of tool calls.", SIZE_BYTES, [
			"tool_name",
		]),
		responseSize: histogram("mcp_response_size_bytes", "Size of tool results, errors included.", SIZE_BYTES, [
			"tool_name",
		]),

		requests: counter("mcp_requests_total", "MCP requests.", ["tool", "operation", "status"]),
		requestDuration: histogram("mcp_request_duration_seconds", "Time that MCP requests took.", TOOL_SECONDS, [
			"tool",
			"operation",
		]),
		requestErrors: counter("mcp_request_errors_total", "MCP requests that failed.", [
			"tool",
			"operation",
			"error_type",
		]),
		sessionMessagesDropped: counter(
			"mcp_session_messages_dropped_total",
			"Messages from modules to sessions, outside of calls, that were dropped.",
			["server_id", "reason"],
		),
		activeSessions: gauge("mcp_active_sessions", "Sessions of MCP clients that are open."),

		resourceReads: counter("mcp_resource_reads_total", "Resource reads.", ["status"]),
		resourceReadDuration: histogram(
			"mcp_resource_read_duration_seconds",
			"Time that resource reads took.",
			READ_SECONDS,
		),
		toolsByServer: gauge("mcp_tools_by_server", "Tools that a module serves.", ["server_id"]),
		promptsByServer: gauge("mcp_prompts_by_server", "Prompts that a module serves.", ["server_id"]),
		resourcesByServer: gauge("mcp_resources_by_server", "Resources and templates that a module serves.", ["server_id"]),
		toolConflicts: counter("mcp_tool_conflicts_total", "Names refused because another module owns them."),

		servers: gauge("mcp_servers", "Modules by state.", ["state"]),
		serverUp: gauge("mcp_server_up", "Whether a module is running: 1 or 0.", ["server_id"]),
		serverStarts: counter("mcp_server_starts_total", "Module starts.", ["server_id", "status"]),
		serverStops: counter("mcp_server_stops_total", "Module stops.", ["server_id", "status"]),
		serverRestarts: counter("mcp_server_restarts_total", "Module restarts by reason.", ["server_id", "reason"]),
		serverCrashes: counter("mcp_server_crashes_total", "Module crashes.", ["server_id"]),
		serverStartDuration: gauge("mcp_server_start_duration_seconds", "Time that a module's last start took.", [
			"server_id",
		]),
		serverIsolation: gauge("mcp_server_isolation", "What a module runs in: 1 for the level in force.", [
			"server_id",
			"level",
		]),
		threadsAbandoned: counter("mcp_threads_abandoned_total", "Threads that could not be ended and were given up.", [
			"server_id",
		]),
		hostRestarts: counter("mcp_host_restarts_total", "Restarts of the host process by its supervisor.", ["reason"]),

		collectSuccess: gauge("mcp_collect_success", "Whether a module's last collection brought a snapshot: 1 or 0.", [
			"server_id",
		]),
		collectDuration: gauge("mcp_collect_duration_seconds", "Time that a module's last collection took.", ["server_id"]),
		collectLastSuccess: gauge(
			"mcp_collect_last_success_timestamp_seconds",
			"When a module's last successful collection ended.",
			["server_id"],
		),
		collectSeries: gauge("mcp_collect_series", "Series of a module on the page.", ["server_id"]),
		collectDropped: counter("mcp_collect_dropped_total", "What was dropped from a module's snapshots by reason.", [
			"server_id",
			"reason",
		]),

		taskDuration: histogram(
			"mcp_task_duration_seconds",
			"Time that workers took for what they were given to do.",
			TOOL_SECONDS,
			["task_type", "status"],
		),

		configReloads: counter("mcp_config_reloads_total", "Times that the plugin policy was read anew.", ["status"]),
		configValidationErrors: counter("mcp_config_validation_errors_total", "Problems found in configuration.", [
			"error_type",
		]),

		authAttempts: counter("mcp_auth_attempts_total", "Requests that said who sends them, or should have.", [
			"method",
			"status",
		]),
		authFailures: counter("mcp_auth_failures_total", "Requests of which nobody knows who sent them.", [
			"method",
			"reason",
		]),
		authzChecks: counter("mcp_authz_checks_total", "Whether who asked may have what was asked for.", [
			"resource_type",
			"status",
		]),
		authzDenials: counter("mcp_authz_denials_total", "What was asked for by those who may not have it.", [
			"resource_type",
			"reason",
		]),
		rateLimitExceeded: counter("mcp_rate_limit_exceeded_total", "Requests refused since there were too many.", [
			"scope",
		]),
		tokenExpiry: gauge("mcp_auth_token_expiry_timestamp_seconds", "When a token expires.", ["token_name"]),
		certificateExpiry: gauge(
			"mcp_auth_certificate_expiry_timestamp_seconds",
			"When the certificate that the host shows expires.",
		),

		httpRequests: counter("mcp_http_requests_total", "HTTP requests.", ["method", "endpoint", "status_code"]),
		httpRequestDuration: histogram("mcp_http_request_duration_seconds", "Time that HTTP requests took.", HTTP_SECONDS, [
			"method",
			"endpoint",
		]),
		httpRequestSize: histogram(
			"mcp_http_request_size_bytes",
			"Size of HTTP requests, their heads included.",
			SIZE_BYTES,
			["method", "endpoint"],
		),
		httpResponseSize: histogram(
			"mcp_http_response_size_bytes",
			"Size of HTTP responses as sent, their heads included.",
			SIZE_BYTES,
			["method", "endpoint"],
		),
		cacheRequests: counter("mcp_cache_requests_total", "Look-ups in the host's caches.", ["cache", "result"]),
		openConnections: gauge("mcp_open_connections", "Connections of HTTP clients that are open."),
	};

	// A family without labels shows its zero from the start, so that its first increment is seen as one.
	metrics.activeSessions.set({}, 0);
	metrics.openConnections.set({}, 0);
	metrics.toolConflicts.inc({}, 0);
	families.info("mcp_server_info", "The server, always 1.", {
		version,
		node_version: process.version,
		platform: process.platform,
		server_name: serverName,
	});
	families.info("bulkhead_build_info", "What runs, always 1.", { version, revision, node_version: process.version });
	for (const scope of ["principal", "address"]) metrics.rateLimitExceeded.inc({ scope }, 0);

	return {
		...metrics,
		/** For the aggregated registry: all of these, what is read on a scrape, and prom-client's default metrics of this process. */
		sources: [
			...families.sources,
			...sampledGauges(
				createHostFamilies(now),
				() => ({ ...sample(), uptimeSeconds: (now() - startedAt) / 1000 }),
				now,
			),
			defaultSource(now),
		],
		/** Deletes every series of a module whose file is gone. */
		removeModule(serverId: string): void {
			families.removeSeries(["server_id"], serverId);
		},
		/** Deletes every series of a tool that no module has any more. */
		removeTool(toolName: string): void {
			families.removeSeries(["tool_name", "tool"], toolName);
		},
	};
}

/** The union of the bounds that the systems with these names use, so that each one's dashboards find theirs. */
const TOOL_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60];
const READ_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const HTTP_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const SIZE_BYTES = [10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000];

/** One source, because prom-client fills several of these families from the `collect` of one of them. */
function defaultSource(now: () => number): LibrarySource {
	const registry = new Registry();
	collectDefaultMetrics({ register: registry });
	const families: LibrarySource["families"][number][] = [];
	for (const { name, type: word } of registry.getMetricsAsArray()) {
		const type = metricTypeOf(word);
		// `nodejs_active_handles_total` and its like are gauges, which promtool rightly objects to.
		if (type === undefined || (type === "gauge" && name.endsWith("_total"))) registry.removeSingleMetric(name);
		else families.push({ name, type });
	}
	// To read the event loop's lag begins it anew, so what was read holds for every format of that second.
	let kept: { readonly version: number; readonly read: ReturnType<Registry["getMetricsAsJSON"]> } | undefined;
	const version = (): number => Math.floor(now() / REFRESH_MS);
	return {
		families,
		version,
		read() {
			if (kept?.version !== version()) kept = { version: version(), read: registry.getMetricsAsJSON() };
			return kept.read;
		},
	};
}
