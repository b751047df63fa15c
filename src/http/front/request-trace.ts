import type { IncomingMessage, ServerResponse } from "node:http";
import type { Tracer } from "../../telemetry/tracer.ts";

/**
 * A span for an HTTP request, as its client's child. What is done for the request sees the span's context in the place of the
 * client's header, so that it becomes the span's child.
 *
 * @returns its trace context
 */
export function traceRequest(tracer: Tracer, request: IncomingMessage, response: ServerResponse): string {
	const { method = "", url = "", headers } = request;
	const parent = typeof headers["traceparent"] === "string" ? headers["traceparent"] : undefined;
	const span = tracer.begin(method, "server", parent, {
		"http.request.method": method,
		"url.path": (url.split("?", 1)[0] ?? "").slice(0, MAX_PATH),
	});
	headers["traceparent"] = span.traceparent;
	response.once("close", () => {
		const { statusCode: status } = response;
		span.end({ "http.response.status_code": status }, status >= 500 ? String(status) : undefined);
	});
	return span.traceparent;
}

const MAX_PATH = 256;
