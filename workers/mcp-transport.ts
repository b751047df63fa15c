import { AsyncLocalStorage } from "node:async_hooks";
import type {
	JSONRPCMessage,
	JSONRPCNotification,
	JSONRPCRequest,
	MessageExtraInfo,
	Transport,
	TransportSendOptions,
} from "@modelcontextprotocol/server";
import { InFlight } from "./in-flight.ts";
import { type AuthDto, CLOSE_STREAM, MAX_EMITTED_LENGTH, parseJson, TASK_NOTIFICATION } from "./protocol.ts";
import type { RequestContext } from "./rpc-server.ts";

/** What a server instance says that belongs to no call. */
export interface InstanceListeners {
	/** One of its lists has changed. */
	readonly onListChanged: () => void;
	readonly onResourceUpdated: (uri: string) => void;
	/** @param taskId as the module sent it */
	readonly onTaskChanged: (taskId: unknown) => void;
}

export interface IncomingRequest {
	readonly method: string;
	readonly params: Readonly<Record<string, unknown>>;
	/** What the module reads as `ctx.sessionId`. */
	readonly session?: string | undefined;
	readonly authInfo?: AuthDto | undefined;
	/** Whether the client comes back to an event stream that was closed. */
	readonly resumable?: boolean | undefined;
}

/**
 * Carries the requests of many clients to one server instance, and whatever it sends back to the request that it belongs
 * to. The SDK names that request for what goes through `ctx.mcpReq`; for what a handler sends through the server object,
 * as 2025-style code does, it is the request whose handler is running.
 */
export class CallTransport implements Transport {
	onclose?: () => void;
	onerror?: (error: Error) => void;
	onmessage?: (message: JSONRPCMessage, extra?: MessageExtraInfo) => void;
	/** The SDK reads it while it takes a message in, which is synchronous: each call sees its own. */
	sessionId?: string;

	readonly #listeners: InstanceListeners;
	readonly #pending = new InFlight<Call>();
	readonly #running = new AsyncLocalStorage<Call>();
	#lastId = 0;
	#retired = false;

	constructor(listeners: InstanceListeners) {
		this.#listeners = listeners;
	}

	/**
	 * Rejects only when the call is cancelled, and then not before its handler has come to an end: until then the module is
	 * at work on it. An error of the module is a response too.
	 */
	request(
		{ method, params, session, authInfo, resumable = false }: IncomingRequest,
		context: RequestContext,
	): Promise<JSONRPCMessage> {
		this.#lastId += 1;
		const id = this.#lastId;
		return new Promise((resolve, reject) => {
			const end = (): void => {
				if (!context.signal.aborted || call.handlers > 0) return;
				this.#pending.delete(id);
				this.#closeIfDone();
				reject(new Error(`cancelled: ${String(context.signal.reason)}`));
			};
			const onAbort = (): void => {
				this.notify("notifications/cancelled", { requestId: id, reason: String(context.signal.reason) });
				end();
			};
			const call: Call = {
				context,
				asks: new Map(),
				handlers: 0,
				end,
				resolve(response) {
					context.signal.removeEventListener("abort", onAbort);
					resolve(response);
				},
			};
			this.#pending.set(id, call);
			context.signal.addEventListener("abort", onAbort, { once: true });
			if (session === undefined) delete this.sessionId;
			else this.sessionId = session;
			const extra = {
				...(authInfo !== undefined && { authInfo: { ...authInfo, token: "", scopes: [...authInfo.scopes] } }),
				...(resumable && streamClosers(context)),
			};
			this.#running.run(call, () => this.onmessage?.({ jsonrpc: "2.0", id, method, params }, extra));
		});
	}

	/** The handler of a request, so that its call is known to last until it has ended. */
	watched<Handler extends (...args: never[]) => unknown>(handler: Handler): Handler {
		const watched = async (...args: Parameters<Handler>): Promise<unknown> => {
			const call = this.#running.getStore();
			if (call === undefined) return handler(...args);
			call.handlers += 1;
			try {
				const result = await handler(...args);
				if (call.refusal !== undefined) throw call.refusal;
				return result;
			} finally {
				call.handlers -= 1;
				call.end();
			}
		};
		return watched as Handler;
	}

	/** Answers the running call with this error, whatever its handler goes on to return. */
	refuse(error: Error): void {
		const call = this.#running.getStore();
		if (call !== undefined) call.refusal = error;
	}

	notify(method: string, params?: Record<string, unknown>): void {
		this.onmessage?.({ jsonrpc: "2.0", method, ...(params !== undefined && { params }) });
	}

	/** Closes once the last running request has been answered. */
	retire(): void {
		this.#retired = true;
		this.#closeIfDone();
	}

	async start(): Promise<void> {
		// Nothing to open: messages arrive through `request`.
	}

	/** Told apart by their keys: the SDK has made the message, and its own guards cost as much as all the rest here. */
	async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
		if (!("method" in message)) {
			const id = Number(message.id);
			const call = this.#pending.get(id);
			this.#pending.delete(id);
			call?.resolve(message);
			this.#closeIfDone();
			return;
		}
		const related = options?.relatedRequestId;
		const call = related === undefined ? this.#running.getStore() : this.#pending.get(Number(related));
		if ("id" in message) this.#ask(message, call);
		else this.#notified(message, call);
	}

	async close(): Promise<void> {
		this.onclose?.();
	}

	#notified(message: JSONRPCNotification, call: Call | undefined): void {
		const { method, params } = message;
		if (method.endsWith("/list_changed")) {
			if (!this.#retired) this.#listeners.onListChanged();
		} else if (method === "notifications/resources/updated") {
			if (typeof params?.["uri"] === "string") this.#listeners.onResourceUpdated(params["uri"]);
		} else if (method === TASK_NOTIFICATION) {
			this.#listeners.onTaskChanged(params?.["taskId"]);
		} else if (method === "notifications/cancelled") {
			call?.asks.get(Number(params?.["requestId"]))?.abort();
		} else call?.context.emit(bounded(method, params));
	}

	#ask({ id, method, params }: JSONRPCRequest, call: Call | undefined): void {
		if (call === undefined) {
			throw new Error(`${method} goes to the client of a running call, and none is running here`);
		}
		const json = bounded(method, params);
		const controller = new AbortController();
		call.asks.set(Number(id), controller);
		const token = params?._meta?.progressToken;
		const onProgress = (progress: string): void =>
			this.notify("notifications/progress", { ...(parseJson(progress) as object), progressToken: token });
		void call.context.ask(json, controller.signal, onProgress).then((text) => {
			call.asks.delete(Number(id));
			// The text is JSON that main made.
			this.onmessage?.({ jsonrpc: "2.0", id, ...(parseJson(text) as object) } as JSONRPCMessage);
		});
	}

	#closeIfDone(): void {
		if (this.#retired && this.#pending.size === 0) void this.close();
	}
}

interface Call {
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
function streamClosers({ emit }: RequestContext): MessageExtraInfo {
	const close = (standalone: boolean): void => emit(bounded(CLOSE_STREAM, { standalone }));
	return { closeSSEStream: () => close(false), closeStandaloneSSEStream: () => close(true) };
}

function bounded(method: string, params: unknown): string {
	const json = JSON.stringify({ method, params });
	if (json.length <= MAX_EMITTED_LENGTH) return json;
	throw new Error(
		`a ${method} of ${json.length} characters is longer than the ${MAX_EMITTED_LENGTH} allowed; send less`,
	);
}
