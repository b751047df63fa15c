import type { JSONRPCMessage, MessageExtraInfo } from "@modelcontextprotocol/server";
import { CLOSE_STREAM } from "../wire/messages.ts";
import type { RequestContext } from "../wire/rpc-server.ts";

/** The request for which code runs, or ran once. */
export interface Sender {
	readonly id: number;
	readonly session: string | undefined;
}

export interface Call extends Sender {
	/** What it is about, for a log line: `tool add`. */
	readonly subject: string;
	readonly context: RequestContext;
	readonly resolve: (response: JSONRPCMessage) => void;
	/** Requests to the client that wait for an answer, by the SDK's id. */
	readonly asks: Map<number, AbortController>;
	/** Handlers of the module, and of the SDK for it, that run for this call. */
	handlers: number;
	/** To be called when one of them has ended. */
	readonly end: () => void;
	refusal?: Error;
}

/** What a handler reads as `ctx.http.closeSSE` and `ctx.http.closeStandaloneSSE`. */
export function streamClosers({ emit }: RequestContext): MessageExtraInfo {
	const close = (standalone: boolean): void => emit(textOf(CLOSE_STREAM, { standalone }));
	return { closeSSEStream: () => close(false), closeStandaloneSSEStream: () => close(true) };
}

/** A call's subject, in words: `tool add`, `resource file:///a`. */
export function subjectOf(method: string, { name, uri }: Readonly<Record<string, unknown>>): string {
	const kind = KINDS[method];
	const id = method === "resources/read" ? uri : name;
	return kind === undefined || typeof id !== "string" ? method : `${kind} ${id}`;
}

const KINDS: Readonly<Record<string, string | undefined>> = {
	"tools/call": "tool",
	"prompts/get": "prompt",
	"resources/read": "resource",
};

/** What the host is sent of a notification or request. */
export function textOf(method: string, params: unknown): string {
	return JSON.stringify({ method, params });
}
