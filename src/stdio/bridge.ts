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
import { messageOf } from "../core/errors.ts";
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
	const open = new Map<RequestId, { readonly modern: boolean; readonly controller: AbortController }>();
	const host = createHostConnection({ ...options, onMessage: toClient });
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
	client.start().catch((error: unknown) => onProblem(messageOf(error)));

	async function answer(request: JSONRPCRequest): Promise<void> {
		const { id } = request;
		const controller = new AbortController();
		if (open.has(id)) return toClient(failure(id, new Error("another request has this id and is not answered yet")));
		open.set(id, { modern: isModernRequest(request), controller });
		try {
			toClient(await host.request(request, controller.signal));
		} catch (error) {
			// Nobody waits for the answer to a request that was cancelled.
			if (!controller.signal.aborted) toClient(failure(id, error));
		} finally {
			open.delete(id);
		}
	}

	/** In the 2026-07-28 revision over HTTP, who cancels a request closes its stream; there is no message for it. */
	function cancel(message: JSONRPCMessage & { readonly params?: unknown }): void {
		const request = isRecord(message.params) ? open.get(message.params["requestId"] as RequestId) : undefined;
		if (request?.modern !== true) toHost(message);
		request?.controller.abort();
	}

	function toHost(message: JSONRPCMessage): void {
		host.send(message).catch((error: unknown) => onProblem(reasonOf(error)));
	}

	function toClient(message: JSONRPCMessage): void {
		client.send(message).catch((error: unknown) => onProblem(`the client: ${messageOf(error)}`));
	}

	return { ended, close: () => client.close().then(() => ended) };
}

/** What a client is told about a request that has no answer: the host's own words where it had any. */
function failure(id: RequestId, error: unknown): JSONRPCErrorResponse {
	const told = error instanceof SdkHttpError ? parseJson(String(error.data["text"])) : undefined;
	if (isRecord(told) && isRecord(told["error"])) {
		const { code, message } = told["error"];
		if (Number.isSafeInteger(code) && typeof message === "string") {
			return { jsonrpc: "2.0", id, error: told["error"] as JSONRPCErrorResponse["error"] };
		}
	}
	return { jsonrpc: "2.0", id, error: { code: ProtocolErrorCode.InternalError, message: reasonOf(error) } };
}

/** `fetch` itself says only that it failed. */
function reasonOf(error: unknown): string {
	const message = messageOf(error);
	return error instanceof Error && error.cause !== undefined ? `${message}: ${messageOf(error.cause)}` : message;
}
