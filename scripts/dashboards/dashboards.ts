/** The dashboards that ship: for those who use MCP, for those who run the host, for those who write modules. */
import type { DashboardSpec } from "./panels.ts";

const INSTANCE = ["instance", "Host", "label_values(mcp_uptime_seconds, instance)"] as const;
const MODULE = ["module", "Module", "label_values(mcp_server_up, server_id)"] as const;
const TOOL = ["tool", "Tool", "label_values(mcp_tool_calls_total, tool_name)"] as const;

/** Every panel of the reference systems, by title and query, and what their users ask next. */
const USAGE: DashboardSpec = {
	uid: "bulkhead-mcp-usage",
	title: "MCP Server Metrics",
	tags: ["mcp", "kubernetes"],
	variables: [TOOL],
	rows: [
		[
			"Calls",
			[
				{
					title: "Tool Call Rate",
					form: "graph",
					size: [12, 8],
					unit: "reqps",
					queries: [["rate(mcp_tool_calls_total[5m])", "{{tool_name}} - {{status}}"]],
				},
				{ title: "Active Requests", form: "stat", size: [6, 4], queries: [["sum(mcp_active_requests)"]] },
				{
					title: "Error Rate",
					form: "stat",
					size: [6, 4],
					thresholds: [0.1, 1],
					queries: [["rate(mcp_tool_errors_total[5m])", "{{tool_name}} {{error_type}}"]],
				},
				{
					title: "Tool Duration (p95)",
					form: "graph",
					size: [12, 8],
					unit: "s",
					queries: [["histogram_quantile(0.95, rate(mcp_tool_duration_seconds_bucket[5m]))", "{{tool_name}} p95"]],
				},
				{
					title: "Tool Calls by Tool",
					form: "pie",
					size: [12, 8],
					queries: [["sum by (tool_name) (mcp_tool_calls_total)", "{{tool_name}}"]],
				},
				{ title: "Active Sessions", form: "stat", size: [12, 8], queries: [["mcp_active_sessions"]] },
				{
					title: "Tool Execution Rate",
					form: "graph",
					size: [12, 8],
					unit: "reqps",
					queries: [["rate(mcp_tool_calls_total[5m])", "{{tool_name}} {{status}}"]],
				},
				{
					title: "Error share by tool",
					form: "graph",
					size: [12, 8],
					unit: "percentunit",
					queries: [
						[
							'sum by (tool_name) (rate(mcp_tool_calls_total{status="error", tool_name=~"$tool"}[5m])) / sum by (tool_name) (rate(mcp_tool_calls_total{tool_name=~"$tool"}[5m]))',
							"{{tool_name}}",
						],
					],
				},
				{
					title: "Average tool duration",
					form: "graph",
					size: [12, 8],
					unit: "s",
					queries: [
						[
							'rate(mcp_tool_duration_seconds_sum{tool_name=~"$tool"}[5m]) / rate(mcp_tool_duration_seconds_count{tool_name=~"$tool"}[5m])',
							"{{tool_name}}",
						],
					],
				},
				{
					title: "Top slowest tools",
					form: "table",
					size: [12, 8],
					unit: "s",
					queries: [
						[
							"topk(10, avg by (tool_name) (rate(mcp_tool_duration_seconds_sum[5m]) / rate(mcp_tool_duration_seconds_count[5m])))",
						],
					],
				},
			],
		],
		[
			"Requests",
			[
				{
					title: "MCP requests by operation",
					form: "graph",
					size: [12, 8],
					unit: "reqps",
					queries: [["sum by (operation, status) (rate(mcp_requests_total[5m]))", "{{operation}} {{status}}"]],
				},
				{
					title: "Errors by type",
					form: "graph",
					size: [12, 8],
					unit: "reqps",
					queries: [["sum by (error_type) (rate(mcp_request_errors_total[5m]))", "{{error_type}}"]],
				},
				{
					title: "Resource reads",
					form: "graph",
					size: [12, 8],
					unit: "reqps",
					queries: [["rate(mcp_resource_reads_total[5m])", "{{status}}"]],
				},
				{
					title: "Size of tool results (p95)",
					form: "graph",
					size: [12, 8],
					unit: "bytes",
					queries: [
						[
							'histogram_quantile(0.95, sum by (le, tool_name) (rate(mcp_response_size_bytes_bucket{tool_name=~"$tool"}[5m])))',
							"{{tool_name}}",
						],
					],
				},
			],
		],
		[
			"Kubernetes",
			[
				{
					title: "Kubernetes Operations",
					form: "table",
					size: [24, 8],
					description: "From the example module examples/mcps/kubernetes",
					queries: [["mcp_kubernetes_operations_total"]],
				},
			],
		],
	],
};

const OPERATORS: DashboardSpec = {
	uid: "bulkhead-operators",
	title: "Bulkhead: operators",
	tags: ["mcp", "bulkhead"],
	variables: [INSTANCE],
	rows: [
		[
			"Now",
			[
				{ title: "Alerts", form: "alerts", size: [12, 8], queries: [] },
				{
					title: "Server health",
					form: "stat",
					size: [4, 4],
					unit: "percentunit",
					description: "The share of modules that serve",
					queries: [
						[
							'sum(mcp_servers{state=~"running|degraded", instance=~"$instance"}) / sum(mcp_servers{instance=~"$instance"})',
						],
					],
				},
				{
					title: "Server uptime",
					form: "stat",
					size: [4, 4],
					unit: "s",
					queries: [['mcp_uptime_seconds{instance=~"$instance"}', "{{instance}}"]],
				},
				{
					title: "Restarts of the host",
					form: "stat",
					size: [4, 4],
					thresholds: [1, 3],
					queries: [['sum(mcp_host_restarts_total{instance=~"$instance"}) or vector(0)']],
				},
				{
					title: "Modules by state",
					form: "graph",
					size: [12, 8],
					queries: [['sum by (state) (mcp_servers{instance=~"$instance"})', "{{state}}"]],
				},
				{
					title: "Restarts of modules, last hour",
					form: "table",
					size: [12, 8],
					queries: [
						[
							'sum by (server_id, reason) (increase(mcp_server_restarts_total{instance=~"$instance"}[1h])) > 0 or sum(mcp_servers{instance=~"$instance"}) * 0',
						],
					],
				},
			],
		],
		[
			"HTTP",
			[
				{
					title: "HTTP request rate by endpoint",
					form: "graph",
					size: [12, 8],
					unit: "reqps",
					queries: [["sum(rate(mcp_http_requests_total[5m])) by (endpoint)", "{{endpoint}}"]],
				},
				{
					title: "HTTP error rate",
					form: "graph",
					size: [12, 8],
					unit: "reqps",
					queries: [
						[
							'sum(rate(mcp_http_requests_total{status_code=~"5.."}[5m])) by (endpoint) or sum(rate(mcp_http_requests_total[5m])) by (endpoint) * 0',
							"{{endpoint}}",
						],
					],
				},
				{
					title: "HTTP duration (p95)",
					form: "graph",
					size: [12, 8],
					unit: "s",
					queries: [
						[
							'histogram_quantile(0.95, sum by (le, endpoint) (rate(mcp_http_request_duration_seconds_bucket{instance=~"$instance"}[5m])))',
							"{{endpoint}}",
						],
					],
				},
				{
					title: "Open connections",
					form: "graph",
					size: [12, 8],
					queries: [['mcp_open_connections{instance=~"$instance"}', "{{instance}}"]],
				},
				{
					title: "Authentication failure rate",
					form: "graph",
					size: [12, 8],
					unit: "reqps",
					queries: [["rate(mcp_auth_failures_total[5m])", "{{method}}: {{reason}}"]],
				},
			],
		],
		[
			"Machine",
			[
				{
					title: "Memory of the process",
					form: "graph",
					size: [12, 8],
					unit: "bytes",
					queries: [['process_resident_memory_bytes{instance=~"$instance"}', "{{instance}}"]],
				},
				{
					title: "Processor and memory of the machine",
					form: "graph",
					size: [12, 8],
					unit: "percentunit",
					queries: [
						['mcp_system_cpu_usage_ratio{instance=~"$instance"}', "processor {{instance}}"],
						['mcp_system_memory_usage_ratio{instance=~"$instance"}', "memory {{instance}}"],
					],
				},
				{
					title: "Event loop of main",
					form: "graph",
					size: [12, 8],
					unit: "percentunit",
					queries: [['mcp_event_loop_utilization_ratio{server_id="host", instance=~"$instance"}', "{{instance}}"]],
				},
				{
					title: "Calls that wait",
					form: "graph",
					size: [12, 8],
					queries: [['mcp_tasks_pending{instance=~"$instance"}', "{{server_id}}"]],
				},
			],
		],
		[
			"Configuration",
			[
				{
					title: "Reloads of the configuration",
					form: "graph",
					size: [12, 8],
					queries: [
						[
							'sum by (status) (increase(mcp_config_reloads_total{instance=~"$instance"}[1h])) or sum(mcp_uptime_seconds) * 0',
							"{{status}}",
						],
					],
				},
				{
					title: "Names that were refused",
					form: "graph",
					size: [12, 8],
					queries: [['mcp_tool_conflicts_total{instance=~"$instance"}', "{{instance}}"]],
				},
			],
		],
	],
};

const AUTHORS: DashboardSpec = {
	uid: "bulkhead-module-authors",
	title: "Bulkhead: module authors",
	tags: ["mcp", "bulkhead"],
	variables: [MODULE],
	rows: [
		[
			"Running",
			[
				{
					title: "Up",
					form: "stat",
					size: [6, 4],
					queries: [['mcp_server_up{server_id=~"$module"}', "{{server_id}}"]],
				},
				{
					title: "Last start",
					form: "stat",
					size: [6, 4],
					unit: "s",
					queries: [['mcp_server_start_duration_seconds{server_id=~"$module"}', "{{server_id}}"]],
				},
				{
					title: "Starts by outcome",
					form: "graph",
					size: [12, 8],
					queries: [['increase(mcp_server_starts_total{server_id=~"$module"}[5m])', "{{server_id}} {{status}}"]],
				},
				{
					title: "Memory",
					form: "graph",
					size: [12, 8],
					unit: "bytes",
					queries: [
						['sum by (server_id) (mcp_memory_usage_bytes{server_id=~"$module", type="heap_used"})', "{{server_id}}"],
					],
				},
				{
					title: "Event loop",
					form: "graph",
					size: [12, 8],
					unit: "percentunit",
					queries: [['mcp_event_loop_utilization_ratio{server_id=~"$module"}', "{{server_id}}"]],
				},
			],
		],
		[
			"Collections",
			[
				{
					title: "Collection succeeded",
					form: "graph",
					size: [12, 8],
					queries: [['mcp_collect_success{server_id=~"$module"}', "{{server_id}}"]],
				},
				{
					title: "Duration of a collection",
					form: "graph",
					size: [12, 8],
					unit: "s",
					queries: [['mcp_collect_duration_seconds{server_id=~"$module"}', "{{server_id}}"]],
				},
				{
					title: "Series",
					form: "graph",
					size: [12, 8],
					queries: [['mcp_collect_series{server_id=~"$module"}', "{{server_id}}"]],
				},
				{
					title: "Age of the samples",
					form: "graph",
					size: [12, 8],
					unit: "s",
					queries: [['time() - mcp_collect_last_success_timestamp_seconds{server_id=~"$module"}', "{{server_id}}"]],
				},
				{
					title: "Dropped samples by reason",
					form: "graph",
					size: [24, 8],
					queries: [
						[
							'sum by (server_id, reason) (increase(mcp_collect_dropped_total{server_id=~"$module"}[15m])) or sum(mcp_servers) * 0',
							"{{server_id}} {{reason}}",
						],
					],
				},
			],
		],
	],
};

export const DASHBOARDS: Readonly<Record<string, DashboardSpec>> = {
	"mcp-usage": USAGE,
	operators: OPERATORS,
	"module-authors": AUTHORS,
};
