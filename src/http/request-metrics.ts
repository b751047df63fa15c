import type { RequestHandler } from "express";

export interface RequestObserver {
	/** @param durationSeconds from the first byte of the request to the end of the response */
	observe(method: string, endpoint: string, status: number, durationSeconds: number): void;
}

const KNOWN_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** Counts every response once, under the pattern of its route: a raw path would let clients invent label values. */
export function createRequestMetrics(observer: RequestObserver): RequestHandler {
	return (request, response, next) => {
		const startedAt = performance.now();
		response.once("close", () => {
			const route: unknown = (request as { route?: { path?: unknown } }).route?.path;
			const endpoint = typeof route === "string" ? route : "unmatched";
			const method = KNOWN_METHODS.has(request.method) ? request.method : "other";
			observer.observe(method, endpoint, response.statusCode, (performance.now() - startedAt) / 1000);
		});
		next();
	};
}
