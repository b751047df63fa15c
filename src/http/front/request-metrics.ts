import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { RequestHandler } from "express";

export interface RequestObserver {
	observe(response: ObservedResponse): void;
}

/** A response that has ended, whether it was finished or its client went away. */
export interface ObservedResponse {
	readonly method: string;
	/** The pattern of the route. */
	readonly endpoint: string;
	readonly status: number;
	/** From the first byte of the request to the end of the response. */
	readonly durationSeconds: number;
	/** On the wire, heads included: what was compressed or came in chunks as it was sent. */
	readonly requestBytes: number;
	readonly responseBytes: number;
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
	{ method = "", socket }: IncomingMessage,
	response: ServerResponse,
	endpoint: () => string,
): void {
	const startedAt = performance.now();
	response.once("close", () => {
		const { bytesRead, bytesWritten } = socket;
		const before = counted.get(socket) ?? NOTHING;
		counted.set(socket, { bytesRead, bytesWritten });
		observer.observe({
			method: KNOWN_METHODS.has(method) ? method : "other",
			endpoint: endpoint(),
			status: response.statusCode,
			durationSeconds: (performance.now() - startedAt) / 1000,
			requestBytes: bytesRead - before.bytesRead,
			responseBytes: bytesWritten - before.bytesWritten,
		});
	});
}

/**
 * What a connection had carried when its last response ended. The socket counts all there is anyway, while a header does not
 * say how long a chunked body or a stream becomes. A connection has one response at a time; of requests that a client has
 * sent ahead, the first has the bytes of all.
 */
const counted = new WeakMap<Socket, Pick<Socket, "bytesRead" | "bytesWritten">>();
const NOTHING = { bytesRead: 0, bytesWritten: 0 };
const KNOWN_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
