import type { IncomingMessage, ServerResponse } from "node:http";
import type { AuthDto } from "../../../workers/wire/messages.ts";
import { traceContextOf } from "../calls/trace-context.ts";
import type { CallOrigin } from "../calls/call.ts";

/** One HTTP request on `/mcp`, read as far as every era needs it. */
export interface Exchange {
	readonly request: IncomingMessage;
	readonly response: ServerResponse;
	/** The parsed JSON body; undefined for GET and DELETE. */
	readonly body: unknown;
	readonly origin: CallOrigin;
	/** Whether the client takes an event stream. */
	readonly streams: boolean;
}

/** A header that occurs once. */
export function header(request: IncomingMessage, name: string): string | undefined {
	const value = request.headers[name];
	return typeof value === "string" ? value : undefined;
}

/** Who sent a request, as its authentication has left it on the request (the SDK's `AuthInfo`), without the token. */
export function authOf(request: IncomingMessage & { readonly auth?: RequestAuth }): AuthDto | undefined {
	const { auth } = request;
	if (auth === undefined) return undefined;
	const { clientId, scopes, extra } = auth;
	return { clientId, scopes, ...(extra !== undefined && { extra }) };
}

export function originOf(request: IncomingMessage): CallOrigin {
	const authInfo = authOf(request);
	return {
		client: authInfo?.clientId ?? request.socket.remoteAddress ?? "",
		authInfo,
		trace: traceContextOf(request.headers),
	};
}

export function acceptsStream(request: IncomingMessage): boolean {
	const accept = request.headers.accept ?? "*/*";
	return accept.includes("text/event-stream") || accept.includes("*/*");
}

/**
 * The SDK's transports want both types named; a client that says it takes anything takes both. One that takes JSON alone
 * gets it without a session; the answers in a session may be streams, and the SDK refuses it with 406.
 */
export function normaliseAccept(request: IncomingMessage): void {
	const accept = request.headers.accept ?? "*/*";
	const takesJson = request.method === "POST" && /application\/(?:json|\*)/.test(accept);
	const inSession = request.headers["mcp-session-id"] !== undefined;
	if (!accept.includes("*/*") && (inSession || !takesJson)) return;
	if (accept.includes("application/json") && accept.includes("text/event-stream")) return;
	const value = "application/json, text/event-stream";
	request.headers.accept = value;
	// The web-standard adapter reads the raw list.
	for (let index = 0; index < request.rawHeaders.length; index += 2) {
		if (request.rawHeaders[index]?.toLowerCase() === "accept") request.rawHeaders[index + 1] = value;
	}
	if (!request.rawHeaders.some((name, index) => index % 2 === 0 && name.toLowerCase() === "accept")) {
		request.rawHeaders.push("Accept", value);
	}
}

/** Answers with a JSON-RPC error outside of any server. */
export function refuse(
	response: ServerResponse,
	status: number,
	message: string,
	code = SERVER_ERROR,
	id: string | number | null = null,
): void {
	response.writeHead(status, { "content-type": "application/json" });
	response.end(JSON.stringify({ jsonrpc: "2.0", error: { code, message }, id }));
}

interface RequestAuth {
	readonly clientId: string;
	readonly scopes: readonly string[];
	readonly extra?: Readonly<Record<string, unknown>>;
}

const SERVER_ERROR = -32000;
