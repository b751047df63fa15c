/** What a line of the log is about: the field `mcp_event`. The list is closed, and documented in docs/logging.md. */
export const MCP_EVENTS = [
	// Requests: LOG_REQUESTS says which of them have a line.
	"tool_call",
	"prompt_get",
	"resource_read",
	"completion",
	"task",
	"list",
	/** Any other request of MCP. */
	"request",
	"http_request",
	// A 2025-era session.
	"session_open",
	"session_close",
	// A module's life.
	"module_state",
	"module_start",
	"module_restart",
	"module_reload",
	"module_failed",
	/** A handler of the module threw. */
	"module_error",
	/** A line of the module's own. */
	"module_log",
	"collect_failed",
	"collect_recovered",
	"samples_dropped",
	"catalog",
	// The host's.
	"policy_change",
	"policy_refused",
	"reload",
	"reload_failed",
	"host_ready",
	"host_stop",
	/** What the process above the host has seen of its end. */
	"supervisor",
	/** Anything else. */
	"host",
] as const;
export type McpEvent = (typeof MCP_EVENTS)[number];
