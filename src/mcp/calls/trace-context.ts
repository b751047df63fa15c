import type { IncomingHttpHeaders } from "node:http";
import { BAGGAGE_META_KEY, TRACEPARENT_META_KEY, TRACESTATE_META_KEY } from "@modelcontextprotocol/server";
import { isRecord } from "../../../workers/wire/json.ts";

/** The W3C trace context and baggage of an HTTP request, by header, which is also the key in `_meta` (SEP-414). */
export type TraceContext = Readonly<Record<string, string>>;

const KEYS = [TRACEPARENT_META_KEY, TRACESTATE_META_KEY, BAGGAGE_META_KEY] as const;

/** Undefined where there is none. */
export function traceContextOf(headers: IncomingHttpHeaders): TraceContext | undefined {
	const { traceparent, baggage } = headers;
	if (traceparent === undefined && baggage === undefined) return undefined; // `tracestate` alone means nothing
	const trace: Record<string, string> = {};
	for (const key of KEYS) {
		const value = headers[key];
		if (typeof value === "string") trace[key] = value;
	}
	return trace;
}

/** The id of the trace that a `traceparent` names; undefined for what is none. */
export function traceIdOf(traceparent: unknown): string | undefined {
	return typeof traceparent === "string" ? TRACEPARENT.exec(traceparent)?.[1] : undefined;
}

const TRACEPARENT = /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/;

/** The parameters of a request with the trace of its HTTP request in `_meta`, unless the client has put its own there. */
export function withTraceContext(
	params: Readonly<Record<string, unknown>>,
	trace: TraceContext | undefined,
): Readonly<Record<string, unknown>> {
	if (trace === undefined) return params;
	const meta = isRecord(params["_meta"]) ? params["_meta"] : {};
	if (TRACEPARENT_META_KEY in meta) return params;
	return { ...params, _meta: { ...trace, ...meta } };
}
