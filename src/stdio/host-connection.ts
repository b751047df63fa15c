import { SdkErrorCode, SdkHttpError, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import {
	isInitializeRequest,
	isJSONRPCResponse,
	type JSONRPCErrorResponse,
	type JSONRPCMessage,
	type JSONRPCNotification,
	type JSONRPCRequest,
	type JSONRPCResultResponse,
	PROTOCOL_VERSION_META_KEY,
	type RequestId,
} from "@modelcontextprotocol/server";
import { setTimeout as delay } from "node:timers/promises";
import { withCauses } from "../core/errors.ts";
import { createListening } from "./resubscribe.ts";
import { createRetry } from "./connect-retry.ts";
import { createSessionMemory } from "./session-replay.ts";
import { createToolHeaders } from "./tool-headers.ts";

/**
 * A client's messages to a host over Streamable HTTP, with what HTTP asks of a client that the client itself does not know
 * of: a session or an event stream that is lost when the host starts again is opened anew, and the headers that a tool
 * wants its arguments in are added.
 */
export interface HostConnection {
	/**
	 * @param signal aborts when nobody waits for the answer any more
	 * @throws when there will be no answer
	 */
	request(message: JSONRPCRequest, signal: AbortSignal): Promise<Answer>;
	/** A notification, or the answer to a request of the host's. */
	send(message: JSONRPCMessage): Promise<void>;
	/** Ends the session where there is one. Safe to call twice. */
	close(): Promise<void>;
}

export type Answer = JSONRPCResultResponse | JSONRPCErrorResponse;

export interface HostConnectionOptions {
	/** The host's MCP endpoint. */
	readonly url: URL;
	/** Sent as `Authorization: Bearer …`. */
	readonly token?: string | undefined;
	/** Resolves when the host has its modules: asked at the start, and when the host has been away. */
	readonly ready?: () => Promise<void>;
	/** Requests and notifications of the host. */
	readonly onMessage: (message: JSONRPCMessage) => void;
	readonly onProblem: (problem: string) => void;
}

/** Whether a request is of the 2026-07-28 revision, which says so in each of them. */
export function isModernRequest({ params }: JSONRPCRequest): boolean {
	return typeof params?._meta?.[PROTOCOL_VERSION_META_KEY] === "string";
}

export function createHostConnection({ url, token, onMessage, ...options }: HostConnectionOptions): HostConnection {
	const { ready = async () => undefined } = options;
	const waiting = new Map<RequestId, Waiting>();
	const memory = createSessionMemory();
	let http: StreamableHTTPClientTransport = connection();
	let opened = ready().then(() => http.start());
	const retry = createRetry({ url, ready, isOver: () => closing !== undefined });
	const toolHeaders = createToolHeaders((params, signal) => {
		const message: JSONRPCRequest = { jsonrpc: "2.0", id: ownId(), method: "tools/list", params };
		return inSession((transport) => exchange(transport, message, signal));
	});
	const listening = createListening({
		open: (request, signal) => inSession((transport) => exchange(transport, request, signal)),
		ready,
		toClient: onMessage,
	});
	let lastId = 0;
	let lastProblem: string | undefined;
	let closing: Promise<void> | undefined;

	function connection(): StreamableHTTPClientTransport {
		const transport = new StreamableHTTPClientTransport(url, {
			reconnectionOptions: RECONNECTION,
			...(token !== undefined && { requestInit: { headers: { authorization: `Bearer ${token}` } } }),
		});
		transport.onmessage = (message) => {
			if (!isJSONRPCResponse(message)) {
				if (!listening.takes(message)) onMessage(message);
				return;
			}
			if (message.id !== undefined) waiting.get(message.id)?.resolve(message);
		};
		transport.onerror = (error) => {
			if (closing !== undefined) return;
			tell(withCauses(error));
			// A request that finds no session is told so where it was made; a stream has nobody but us.
			if (isSessionLost(error) && error.code === SdkErrorCode.ClientHttpFailedToOpenStream) reopen(transport);
		};
		return transport;
	}

	/** The same problem again, as of a stream that tries once a second, is no news. */
	function tell(problem: string): void {
		if (problem !== lastProblem) options.onProblem(problem);
		lastProblem = problem;
	}

	/** Opens a new session in place of a lost one; does nothing when that has been done. */
	function reopen(lost: StreamableHTTPClientTransport): void {
		if (http !== lost || closing !== undefined) return;
		http = connection();
		opened = renew(lost, http);
		opened.catch((error: unknown) => tell(withCauses(error)));
	}

	async function renew(lost: StreamableHTTPClientTransport, fresh: StreamableHTTPClientTransport): Promise<void> {
		await lost.close();
		for (const request of waiting.values()) {
			if (request.transport === lost) request.reject(new Error("the host has started again, and this call is lost"));
		}
		await ready();
		await fresh.start();
		for (const message of memory.messages()) {
			await retry(async () => {
				if ("id" in message) await exchange(fresh, { ...message, id: ownId() });
				else await fresh.send(message);
			});
		}
		for (const method of LISTS_CHANGED) onMessage({ jsonrpc: "2.0", method });
	}

	/** Runs once more, in a new session, what found that the session is gone: it had no effect. */
	async function inSession<T>(attempt: (transport: StreamableHTTPClientTransport) => Promise<T>): Promise<T> {
		await opened.catch(() => reopen(http));
		await opened;
		const transport = http;
		try {
			return await retry(() => attempt(transport));
		} catch (error) {
			if (!isSessionLost(error) || memory.isEmpty()) throw error;
			reopen(transport);
			await opened;
			return attempt(http);
		}
	}

	/** One POST and its answer, however that comes. */
	function exchange(
		transport: StreamableHTTPClientTransport,
		message: JSONRPCRequest,
		signal?: AbortSignal,
	): Promise<Answer> {
		const answered = new Promise<Answer>((resolve, reject) => {
			if (signal?.aborted === true) return reject(new Error("cancelled"));
			signal?.addEventListener("abort", () => reject(new Error("cancelled")), { once: true });
			waiting.set(message.id, { transport, resolve, reject });
			const sent = transport.send(message, {
				...(signal !== undefined && { requestSignal: signal }),
				headers: toolHeaders.of(message),
				onRequestStreamEnd: () => reject(new Error("the host ended the stream before the answer")),
			});
			sent.catch(reject);
		});
		return answered
			.then((answer) => {
				if (isInitializeRequest(message)) negotiated(transport, answer);
				memory.keep(message, answer);
				return answer;
			})
			.finally(() => waiting.delete(message.id));
	}

	function ownId(): string {
		lastId += 1;
		return `bulkhead-stdio-${lastId}`;
	}

	return {
		async request(message, signal) {
			if (message.method === "subscriptions/listen") return listening.listen(message, signal);
			const answer = await inSession((transport) => exchange(transport, message, signal));
			if (!toolHeaders.areMissing(message, answer)) return answer;
			await toolHeaders.learn(message, signal);
			return inSession((transport) => exchange(transport, message, signal));
		},
		async send(message) {
			await inSession((transport) => transport.send(message));
			if ("method" in message && !("id" in message)) memory.keep(message);
		},
		close() {
			closing ??= (async () => {
				const ended = http.terminateSession().catch(() => undefined); // it will expire
				await Promise.race([ended, delay(END_WITHIN_MS, undefined, { ref: false })]);
				await http.close();
			})();
			return closing;
		},
	};
}

interface Waiting {
	readonly transport: StreamableHTTPClientTransport;
	readonly resolve: (answer: Answer) => void;
	readonly reject: (error: Error) => void;
}

/** An event stream that broke is opened again for as long as there is a host to come. */
const RECONNECTION = {
	initialReconnectionDelay: 500,
	maxReconnectionDelay: 5000,
	reconnectionDelayGrowFactor: 1.5,
	maxRetries: Number.MAX_SAFE_INTEGER,
};
const END_WITHIN_MS = 500;
const LISTS_CHANGED: readonly JSONRPCNotification["method"][] = [
	"notifications/tools/list_changed",
	"notifications/prompts/list_changed",
	"notifications/resources/list_changed",
];

function negotiated(transport: StreamableHTTPClientTransport, answer: Answer): void {
	if (!("result" in answer)) return;
	const version = answer.result["protocolVersion"];
	if (typeof version === "string") transport.setProtocolVersion(version);
}

function isSessionLost(error: unknown): error is SdkHttpError {
	return error instanceof SdkHttpError && error.status === 404;
}
