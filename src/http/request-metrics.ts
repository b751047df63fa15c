import type { IncomingMessage, ServerResponse } from "node:http";
import type { RequestHandler } from "express";

export interface RequestObserver {
	/** @param durationSeconds from the first byte of the request to the end of the response */
	observe(method: string, endpoint: string, status: number, durationSeconds: number): void;
}

/** Counts every response once, under the pattern of its route: a raw path would let clients invent label values. */
export function createRequestMetrics(observer: RequestObserver): RequestHandler {
	return (request, response, next) => {
		watchResponse(observer, request, response, () => {
			const route: unknown = (request as { route?: { path?: unknown } }).route?.path;
			return typeof route === "string" ? route : "unmatched";
		});
		next();
	};
}

/** @param endpoint the pattern of the route, known at the latest when the response is closed */
export function watchResponse(
	observer: RequestObserver,
	{ method = "" }: IncomingMessage,
	response: ServerResponse,
	endpoint: () => string,
): void {
	const startedAt = performance.now();
	response.once("close", () => {
		const known = KNOWN_METHODS.has(method) ? method : "other";
		observer.observe(known, endpoint(), response.statusCode, (performance.now() - startedAt) / 1000);
	});
}

const KNOWN_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
