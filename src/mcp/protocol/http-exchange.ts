import type { IncomingMessage, ServerResponse } from "node:http";
import Negotiator from "negotiator";
import type { AuthDto } from "../../../workers/wire/messages.ts";
import { principalOf } from "../../auth/identified-request.ts";
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
function authOf(request: IncomingMessage & { readonly auth?: RequestAuth }): AuthDto | undefined {
	const { auth } = request;
	if (auth === undefined) return undefined;
	const { clientId, scopes, extra } = auth;
	return { clientId, scopes, ...(extra !== undefined && { extra }) };
}

export function originOf(request: IncomingMessage): CallOrigin {
	const authInfo = authOf(request);
	const principal = principalOf(request);
	const address = request.socket.remoteAddress ?? "";
	return {
		client: principal?.id ?? authInfo?.clientId ?? address,
		authInfo,
		principal,
		address,
		trace: traceContextOf(request.headers),
	};
}

/** Which of our two kinds of answer a client takes (RFC 9110, 12.5.1): in any case, by ranges, without what has `q=0`. */
export interface Accepted {
	readonly json: boolean;
	readonly stream: boolean;
}

export function readAccept(request: IncomingMessage): Accepted {
	const { accept } = request.headers; // several lines are one by now
	if (accept === undefined || accept === USUAL_ACCEPT) return BOTH;
	const types = new Negotiator(request).mediaTypes([JSON_TYPE, STREAM_TYPE]);
	return { json: types.includes(JSON_TYPE), stream: types.includes(STREAM_TYPE) };
}

/**
 * The SDK's transports want both types named as they are written here; to a client that takes both, or that takes JSON outside
 * of a session, nothing is sent that it does not take. In a session answers may be streams: one that takes JSON alone is refused.
 */
export function normaliseAccept(request: IncomingMessage, { json, stream }: Accepted): void {
	if (request.headers.accept === USUAL_ACCEPT) return;
	const inSession = request.headers["mcp-session-id"] !== undefined;
	const value =
		request.method === "POST"
			? json && (stream || !inSession)
				? USUAL_ACCEPT
				: [...(json ? [JSON_TYPE] : []), ...(stream ? [STREAM_TYPE] : [])].join(", ") || "none/none"
			: stream
				? STREAM_TYPE
				: "none/none";
	request.headers.accept = value;
	// The web-standard adapters read the raw list.
	const { rawHeaders } = request;
	for (let index = rawHeaders.length - 2; index >= 0; index -= 2) {
		if (rawHeaders[index]?.toLowerCase() === "accept") rawHeaders.splice(index, 2);
	}
	rawHeaders.push("Accept", value);
}

const JSON_TYPE = "application/json";
const STREAM_TYPE = "text/event-stream";
const USUAL_ACCEPT = `${JSON_TYPE}, ${STREAM_TYPE}`;
const BOTH: Accepted = { json: true, stream: true };

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
