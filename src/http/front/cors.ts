import type { IncomingMessage, ServerResponse } from "node:http";

/**
 * Cross-origin resource sharing (https://fetch.spec.whatwg.org/#http-cors-protocol): what a browser has to be told so that a
 * page of an allowed origin may send a request, and read the answer. Set before anything else, so that errors have it too.
 */
export function allowOrigin(response: ServerResponse, origin: string): void {
	response.setHeader("Access-Control-Allow-Origin", origin);
	response.setHeader("Access-Control-Expose-Headers", EXPOSED);
	response.setHeader("Vary", "Origin");
}

/** Whether a browser asks if it may send another request. */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
	return method === "OPTIONS" && headers["access-control-request-method"] !== undefined;
}

/** Answers it with yes, for an origin that is allowed. What no route takes is refused when it comes. */
export function sendPreflight(request: IncomingMessage, response: ServerResponse): void {
	const { headers } = request;
	response.setHeader("Access-Control-Allow-Methods", METHODS);
	const asked = readHeaderNames(headers["access-control-request-headers"]);
	if (asked !== undefined) response.setHeader("Access-Control-Allow-Headers", asked);
	if (headers["access-control-request-private-network"] === "true") {
		response.setHeader("Access-Control-Allow-Private-Network", "true");
	}
	response.setHeader("Access-Control-Max-Age", MAX_AGE_SECONDS);
	response.setHeader("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Private-Network");
	response.writeHead(204).end();
}

/** The headers of our answers that a page may read beyond those it always may. */
const EXPOSED = "Mcp-Session-Id, Mcp-Protocol-Version, WWW-Authenticate, Retry-After";
const METHODS = "POST, GET, DELETE";
/** Chromium remembers no longer. */
const MAX_AGE_SECONDS = 7200;
const MAX_ASKED_LENGTH = 8192;

/** Any header may be sent (`Mcp-Param-*` has the names that tools give it), if what is asked for are names of headers. */
function readHeaderNames(asked: string | undefined): string | undefined {
	if (asked === undefined || asked.length > MAX_ASKED_LENGTH) return undefined;
	const names = asked.split(",").map((name) => name.trim());
	return names.every((name) => TOKEN.test(name)) ? names.join(", ") : undefined;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~\w]+$/;
