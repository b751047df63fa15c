import type { HostConfig } from "../config/config.ts";
import type { ObservedResponse, RequestObserver } from "../http/front/request-metrics.ts";
import type { McpEvent } from "../logging/events.ts";
import type { Logger } from "../logging/logger.ts";
import type { GatewayOptions } from "../mcp/calls/gateway.ts";
import { createMessageQuota } from "../../workers/wire/token-bucket.ts";

/** One line a request, of those that `LOG_REQUESTS` names. The ids are added by the logger. */
export interface RequestLog {
	readonly request: GatewayOptions["observe"];
	readonly http: RequestObserver;
	/** A 2025-era session was opened or has ended. */
	session(change: "session_open" | "session_close", sessionId: string): void;
}

export type RequestLogOptions = Pick<HostConfig, "logRequests" | "slowRequestMs"> & { readonly log: Logger };

/** With `errors`, at most so many lines: a client that only makes mistakes must not fill a disk. The rest is counted. */
const ERROR_LINES = { perSecond: 20, burst: 500 };

export function createRequestLog({ logRequests, slowRequestMs, log }: RequestLogOptions): RequestLog {
	const quota = createMessageQuota(ERROR_LINES);
	let suppressed = 0;

	function write(isFailure: boolean, durationMs: number, message: string, fields: Fields): void {
		const isSlow = durationMs >= slowRequestMs;
		if (logRequests === "none" || (logRequests === "errors" && !isFailure && !isSlow)) return;
		if (logRequests === "errors" && !quota.take()) {
			suppressed += 1;
			return;
		}
		if (suppressed > 0)
			log.warn(`${suppressed} lines of requests were left out: there were too many`, { lines: suppressed });
		suppressed = 0;
		log[isFailure || isSlow ? "warn" : "info"](message, {
			...fields,
			duration_ms: Math.round(durationMs * 10) / 10,
			...(isSlow && { slow: true }),
		});
	}

	return {
		request({ method, name, module }) {
			const startedAt = performance.now();
			return (outcome) => {
				const isFailure = outcome.status === "error";
				const subject = name === undefined ? "" : ` ${name}`;
				write(
					isFailure,
					performance.now() - startedAt,
					`${method}${subject}: ${isFailure ? outcome.errorType : "success"}`,
					{
						mcp_event: eventOf(method),
						operation: method,
						...(name !== undefined && { [method === "prompts/get" ? "prompt" : "tool"]: name }),
						...(module !== undefined && { module }),
						status: outcome.status,
						...(outcome.status === "error" && { error_type: outcome.errorType }),
						...(outcome.bytes !== undefined && { bytes: outcome.bytes }),
					},
				);
			};
		},
		http: {
			observe(response: ObservedResponse) {
				const { method, endpoint, status, durationSeconds, responseBytes } = response;
				// MCP requests have lines of their own, and a stream is open for as long as its client likes.
				if (endpoint === MCP_ENDPOINT && status < 500) return;
				write(status >= 500, durationSeconds * 1000, `${method} ${endpoint}: ${status}`, {
					mcp_event: "http_request",
					operation: `${method} ${endpoint}`,
					status,
					bytes: responseBytes,
				});
			},
		},
		session(change, sessionId) {
			const level = logRequests === "all" ? "info" : "debug";
			const message = change === "session_open" ? "a session was opened" : "a session has ended";
			log[level](message, { mcp_event: change, session_id: sessionId });
		},
	};
}

type Fields = { readonly mcp_event: McpEvent } & Readonly<Record<string, unknown>>;

function eventOf(method: string): McpEvent {
	const known = EVENTS[method];
	if (known !== undefined) return known;
	if (LIST.test(method)) return "list";
	return method.startsWith("tasks/") ? "task" : "request";
}

const LIST = /^(?:tools|prompts|resources|resources\/templates)\/list$/;
const EVENTS: Readonly<Record<string, McpEvent | undefined>> = {
	"tools/call": "tool_call",
	"prompts/get": "prompt_get",
	"resources/read": "resource_read",
	"completion/complete": "completion",
};
const MCP_ENDPOINT = "/mcp";
