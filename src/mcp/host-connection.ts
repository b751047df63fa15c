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
import { isRecord, type ListedDto, readEntries } from "../../workers/protocol.ts";
import { messageOf } from "../errors.ts";
import { paramHeadersOf } from "./param-headers.ts";
import { createSessionMemory } from "./session-memory.ts";

/**
 * A client's messages to a host over Streamable HTTP, with what HTTP asks of a client that the client itself does not know
 * of: a session that is lost when the host starts again is opened anew, and the headers that a tool wants its arguments in
 * are added.
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
	let tools: readonly ListedDto[] = [];
	let lastId = 0;
	let lastProblem: string | undefined;
	let closing: Promise<void> | undefined;

	function connection(): StreamableHTTPClientTransport {
		const transport = new StreamableHTTPClientTransport(url, {
			reconnectionOptions: RECONNECTION,
			...(token !== undefined && { requestInit: { headers: { authorization: `Bearer ${token}` } } }),
		});
		transport.onmessage = (message) => {
			if (!isJSONRPCResponse(message)) return onMessage(message);
			if (message.id !== undefined) waiting.get(message.id)?.resolve(message);
		};
		transport.onerror = (error) => {
			if (closing !== undefined) return;
			tell(messageOf(error));
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
		opened.catch((error: unknown) => tell(messageOf(error)));
	}

	async function renew(lost: StreamableHTTPClientTransport, fresh: StreamableHTTPClientTransport): Promise<void> {
		await lost.close();
		for (const request of waiting.values()) {
			if (request.transport === lost) request.reject(new Error("the host has started again, and this call is lost"));
		}
		await ready();
		await fresh.start();
		for (const message of memory.messages()) {
			await whenReachable(async () => {
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
			return await whenReachable(() => attempt(transport));
		} catch (error) {
			if (!isSessionLost(error) || memory.isEmpty()) throw error;
			reopen(transport);
			await opened;
			return attempt(http);
		}
	}

	/** A host that starts again refuses connections for a moment; what it has refused, it has not begun. */
	async function whenReachable<T>(attempt: () => Promise<T>): Promise<T> {
		const deadlineAt = performance.now() + REACHABLE_WITHIN_MS;
		for (;;) {
			try {
				return await attempt();
			} catch (error) {
				if (!isRefused(error) || closing !== undefined) throw error;
				if (performance.now() > deadlineAt) throw new Error(`no host answers at ${url.href}`, { cause: error });
				await delay(RETRY_MS);
				await ready();
			}
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
				headers: headersOf(message),
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

	function headersOf({ method, params }: JSONRPCRequest): Readonly<Record<string, string>> {
		return method === "tools/call" ? paramHeadersOf(tools, String(params?.["name"]), params?.["arguments"]) : {};
	}

	/** Reads the tools' schemas, in the words and with the rights of the client's own call. */
	async function learnTools({ params }: JSONRPCRequest, signal: AbortSignal): Promise<void> {
		const learnt: ListedDto[] = [];
		let cursor: unknown;
		for (let page = 0; page < MAX_PAGES; page++) {
			const message: JSONRPCRequest = {
				jsonrpc: "2.0",
				id: ownId(),
				method: "tools/list",
				params: { _meta: params?._meta, ...(cursor !== undefined && { cursor }) },
			};
			const answer = await inSession((transport) => exchange(transport, message, signal));
			if (!("result" in answer)) return;
			learnt.push(...readEntries("tools", answer.result["tools"]));
			cursor = answer.result["nextCursor"];
			if (cursor === undefined) break;
		}
		tools = learnt;
	}

	function ownId(): string {
		lastId += 1;
		return `bulkhead-stdio-${lastId}`;
	}

	return {
		async request(message, signal) {
			const answer = await inSession((transport) => exchange(transport, message, signal));
			if (message.method !== "tools/call" || !("error" in answer) || answer.error.code !== HEADER_MISMATCH)
				return answer;
			await learnTools(message, signal);
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
const REACHABLE_WITHIN_MS = 5000;
const RETRY_MS = 100;
const END_WITHIN_MS = 500;
/** With 250 entries in a page of ours, more tools than any client can use. */
const MAX_PAGES = 100;
const HEADER_MISMATCH = -32020;
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

function isRefused(error: unknown): boolean {
	return error instanceof Error && isRecord(error.cause) && error.cause["code"] === "ECONNREFUSED";
}
