import { TRACEPARENT_META_KEY } from "@modelcontextprotocol/server";
import { isRecord } from "../../../workers/wire/json.ts";
import type { TracedSpan, Tracer } from "../../telemetry/tracer.ts";
import type { IncomingCall } from "./call.ts";
import { type TraceContext, traceIdOf } from "./trace-context.ts";

/**
 * A span for an MCP request, by the semantic conventions for MCP (OpenTelemetry semantic conventions 1.39.0). Its parent is
 * the client's span in `_meta`; where that is of the same trace as the HTTP request, the span of the latter, which lies between.
 */
export function traceCall(
	tracer: Tracer,
	{ method, params, origin }: IncomingCall,
	name: string | undefined,
): TracedSpan {
	const http = origin.trace?.["traceparent"];
	const meta = params["_meta"];
	const given = isRecord(meta) ? meta[TRACEPARENT_META_KEY] : undefined;
	const own = traceIdOf(given) === undefined ? undefined : (given as string);
	const parent = own !== undefined && traceIdOf(own) !== traceIdOf(http) ? own : http;
	return tracer.begin(name === undefined ? method : `${method} ${name}`, "server", parent, {
		"mcp.method.name": method,
		...(name !== undefined &&
			method === "tools/call" && { "gen_ai.tool.name": name, "gen_ai.operation.name": "execute_tool" }),
		...(name !== undefined && method === "prompts/get" && { "gen_ai.prompt.name": name }),
		...(origin.session !== undefined && { "mcp.session.id": origin.session.session }),
		"network.transport": "tcp",
		"network.protocol.name": "http",
	});
}

/** A span for what the module's worker does for a request. */
export function traceWork(
	tracer: Tracer,
	moduleId: string,
	method: string,
	params: IncomingCall["params"],
	trace: TraceContext | undefined,
): TracedSpan {
	const meta = params["_meta"];
	const given = isRecord(meta) ? meta[TRACEPARENT_META_KEY] : undefined;
	const parent = typeof given === "string" ? given : trace?.["traceparent"];
	return tracer.begin(`worker ${moduleId}`, "client", parent, {
		"bulkhead.module": moduleId,
		"mcp.method.name": method,
	});
}

/** The parameters with the context of the span that they are sent under, in the place of the client's. */
export function underSpan(params: IncomingCall["params"], { traceparent }: TracedSpan): IncomingCall["params"] {
	const meta = isRecord(params["_meta"]) ? params["_meta"] : {};
	return { ...params, _meta: { ...meta, [TRACEPARENT_META_KEY]: traceparent } };
}
