import { SdkHttpError } from "@modelcontextprotocol/client";
import {
	isJSONRPCNotification,
	isJSONRPCRequest,
	type JSONRPCErrorResponse,
	type JSONRPCMessage,
	type JSONRPCRequest,
	ProtocolErrorCode,
	type RequestId,
	type Transport,
} from "@modelcontextprotocol/server";
import { setTimeout as delay } from "node:timers/promises";
import { messageOf, withCauses } from "../core/errors.ts";
import { createHostConnection, type HostConnectionOptions, isModernRequest } from "./host-connection.ts";
import { isRecord, parseJson } from "../../workers/wire/json.ts";

/** Connects one client, over standard input and output, to a host that speaks Streamable HTTP. */
export interface StdioBridge {
	/** Resolves when the client has closed its end, or `close` was called, and the host knows. */
	readonly ended: Promise<void>;
	close(): Promise<void>;
}

export interface StdioBridgeOptions extends Omit<HostConnectionOptions, "onMessage"> {
	/** The client's end, not started yet. */
	readonly client: Transport;
}

export function startStdioBridge({ client, ...options }: StdioBridgeOptions): StdioBridge {
	const { onProblem } = options;
	/** Requests of the client that are not answered yet. */
	const open = new Map<RequestId, OpenRequest>();
	/** The same, by the token of their progress. */
	const inProgress = new Map<unknown, OpenRequest>();
	const host = createHostConnection({ ...options, onMessage });
	const { promise: ended, resolve } = Promise.withResolvers<void>();

	client.onmessage = (message) => {
		if (isJSONRPCRequest(message)) void answer(message);
		else if (isJSONRPCNotification(message) && message.method === "notifications/cancelled") cancel(message);
		else toHost(message);
	};
	client.onerror = (error) => onProblem(`the client: ${error.message}`);
	client.onclose = () => {
		for (const { controller } of open.values()) controller.abort();
		void host.close().then(resolve);
	};
	client.start().catch((error: unknown) => onProblem(withCauses(error)));

	async function answer(request: JSONRPCRequest): Promise<void> {
		const { id } = request;
		const controller = new AbortController();
		if (open.has(id)) return toClient(failure(id, new Error("another request has this id and is not answered yet")));
		const token = request.params?._meta?.progressToken;
		const entry: OpenRequest = { modern: isModernRequest(request), controller, progressAt: Number.NEGATIVE_INFINITY };
		open.set(id, entry);
		if (token !== undefined) inProgress.set(token, entry);
		try {
			const result = await host.request(request, controller.signal);
			const early = APART_MS - (performance.now() - entry.progressAt);
			if (early > 0) await delay(early, undefined, { signal: controller.signal });
			toClient(result);
		} catch (error) {
			// Nobody waits for the answer to a request that was cancelled.
			if (!controller.signal.aborted) toClient(failure(id, error));
		} finally {
			open.delete(id);
			if (inProgress.get(token) === entry) inProgress.delete(token);
		}
	}

	function onMessage(message: JSONRPCMessage): void {
		if (isJSONRPCNotification(message) && message.method === "notifications/progress") {
			const entry = inProgress.get(message.params?.["progressToken"]);
			if (entry !== undefined) entry.progressAt = performance.now();
		}
		toClient(message);
	}

	/** In the 2026-07-28 revision over HTTP, who cancels a request closes its stream; there is no message for it. */
	function cancel(message: JSONRPCMessage & { readonly params?: unknown }): void {
		const request = isRecord(message.params) ? open.get(message.params["requestId"] as RequestId) : undefined;
		if (request?.modern !== true) toHost(message);
		request?.controller.abort();
	}

	function toHost(message: JSONRPCMessage): void {
		host.send(message).catch((error: unknown) => onProblem(withCauses(error)));
	}

	function toClient(message: JSONRPCMessage): void {
		client.send(message).catch((error: unknown) => onProblem(`the client: ${messageOf(error)}`));
	}

	return { ended, close: () => client.close().then(() => ended) };
}

interface OpenRequest {
	readonly modern: boolean;
	readonly controller: AbortController;
	/** When the client was told of its progress last, on the clock of `performance`. */
	progressAt: number;
}

/**
 * Between a progress and the result: clients that read both at once have been seen to take the result first, and then to
 * drop the progress of a request that they do not know any more (modelcontextprotocol/typescript-sdk, `_onnotification`
 * goes through a microtask, `_onresponse` does not).
 */
const APART_MS = 10;

/** What a client is told about a request that has no answer: the host's own words where it had any. */
function failure(id: RequestId, error: unknown): JSONRPCErrorResponse {
	const told = error instanceof SdkHttpError ? parseJson(String(error.data["text"])) : undefined;
	if (isRecord(told) && isRecord(told["error"])) {
		const { code, message } = told["error"];
		if (Number.isSafeInteger(code) && typeof message === "string") {
			return { jsonrpc: "2.0", id, error: told["error"] as JSONRPCErrorResponse["error"] };
		}
	}
	return { jsonrpc: "2.0", id, error: { code: ProtocolErrorCode.InternalError, message: withCauses(error) } };
}
