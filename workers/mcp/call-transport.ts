import { AsyncLocalStorage } from "node:async_hooks";
import {
	type JSONRPCMessage,
	type JSONRPCNotification,
	type JSONRPCRequest,
	type MessageExtraInfo,
	ProtocolError,
	type Transport,
	type TransportSendOptions,
} from "@modelcontextprotocol/server";
import { InFlight } from "../wire/in-flight.ts";
import { type Call, type Sender, streamClosers, subjectOf, textOf } from "./call.ts";
import {
	type AuthDto,
	MAX_EMITTED_LENGTH,
	MAX_PUSHED_LENGTH,
	PUSHED_METHODS,
	TASK_NOTIFICATION,
	TOO_LONG,
} from "../wire/messages.ts";
import type { RequestContext } from "../wire/rpc-server.ts";
import { parseJson } from "../wire/json.ts";

/** What a server instance says that belongs to no call. */
export interface InstanceListeners {
	/** One of its lists has changed. */
	readonly onListChanged: () => void;
	readonly onResourceUpdated: (uri: unknown) => void;
	/** @param json text of a notification for the session of a call that has ended */
	readonly onPushed: (session: string, json: string) => void;
	/** A notification for the client of a running call is longer than allowed and was dropped. */
	readonly onTooLong: (method: string, length: number) => void;
	/** @param taskId as the module sent it */
	readonly onTaskChanged: (taskId: unknown) => void;
	/** A handler of the module threw. @param what e.g. `tool add` */
	readonly onFailed: (what: string, thrown: unknown) => void;
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
 * as 2025-style code does, it is the request whose handler is running, or has started what is running. Once that request has
 * been answered, what may still be sent goes to its session.
 */
export class CallTransport implements Transport {
	onclose?: () => void;
	onerror?: (error: Error) => void;
	onmessage?: (message: JSONRPCMessage, extra?: MessageExtraInfo) => void;
	/** Called when it is of no more use to new requests and has answered those that it had. */
	onretired?: () => void;

	readonly #listeners: InstanceListeners;
	readonly #pending = new InFlight<Call>();
	readonly #running = new AsyncLocalStorage<Sender>();
	#lastId = 0;
	#retired = false;

	constructor(listeners: InstanceListeners) {
		this.#listeners = listeners;
	}

	/** Whose request the running code belongs to: each call sees its own. */
	get sessionId(): string | undefined {
		return this.#running.getStore()?.session;
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
				this.#letGoIfDone();
				reject(new Error(`cancelled: ${String(context.signal.reason)}`));
			};
			const onAbort = (): void => {
				this.notify("notifications/cancelled", { requestId: id, reason: String(context.signal.reason) });
				end();
			};
			const call: Call = {
				id,
				subject: subjectOf(method, params),
				session,
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
			const extra = {
				...(authInfo !== undefined && { authInfo: { ...authInfo, token: "", scopes: [...authInfo.scopes] } }),
				...(resumable && streamClosers(context)),
			};
			this.#running.run(call, () => this.onmessage?.({ jsonrpc: "2.0", id, method, params }, extra));
		});
	}

	/** Resolves when the module's handler of the notification has come to an end, or at once when it has none. */
	tell({ method, params, session }: IncomingRequest, context: RequestContext): Promise<void> {
		this.#lastId += 1;
		const id = this.#lastId;
		return new Promise((resolve) => {
			const end = (): void => {
				if (call.handlers > 0) return;
				this.#pending.delete(id);
				this.#letGoIfDone();
				resolve();
			};
			const call: Call = {
				id,
				subject: method,
				session,
				context,
				asks: new Map(),
				handlers: 0,
				end,
				resolve: () => undefined,
			};
			this.#pending.set(id, call);
			this.#running.run(call, () => this.notify(method, params));
			setImmediate(end); // the SDK calls the handler in a microtask
		});
	}

	/** The handler of a request or notification, so that its call is known to last until it has ended. */
	watched<Handler extends (...args: never[]) => unknown>(handler: Handler): Handler {
		const watched = async (...args: Parameters<Handler>): Promise<unknown> => {
			const call = this.#runningCall();
			if (call === undefined) return handler(...args);
			call.handlers += 1;
			try {
				const result = await handler(...args);
				if (call.refusal !== undefined) throw call.refusal;
				return result;
			} catch (error) {
				this.failed(error);
				throw error;
			} finally {
				call.handlers -= 1;
				call.end();
			}
		};
		return watched as Handler;
	}

	/** A handler of the running call has thrown. What the protocol has an error for is for the client alone. */
	failed(thrown: unknown): void {
		const call = this.#runningCall();
		if (call === undefined || call.context.signal.aborted || thrown instanceof ProtocolError) return;
		this.#listeners.onFailed(call.subject, thrown);
	}

	/** Answers the running call with this error, whatever its handler goes on to return. */
	refuse(error: Error): void {
		const call = this.#runningCall();
		if (call !== undefined) call.refusal = error;
	}

	/** A function that sends for the request whose handler runs now, whoever calls it, and when. */
	fromHere<Send extends (...args: never[]) => unknown>(send: Send): Send {
		const sender = this.#running.getStore();
		if (sender === undefined) return send;
		return ((...args) => this.#running.run(sender, send, ...args)) as Send;
	}

	/** Has what `send` sends go to a session, outside of any call; in a running call of that session, with the call. */
	toSession<Sent>(session: string, send: () => Sent): Sent {
		const sender = this.#running.getStore();
		return sender?.session === session ? send() : this.#running.run({ id: NO_CALL, session }, send);
	}

	notify(method: string, params?: Record<string, unknown>): void {
		this.onmessage?.({ jsonrpc: "2.0", method, ...(params !== undefined && { params }) });
	}

	/**
	 * Takes no new requests. It is not closed: the SDK would refuse whatever a timer of the module's still sends, with a
	 * rejection that such code does not expect.
	 */
	retire(): void {
		this.#retired = true;
		this.#letGoIfDone();
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
			this.#letGoIfDone();
			return;
		}
		const running = this.#running.getStore();
		const related = options?.relatedRequestId;
		const sender = related === undefined || related === running?.id ? running : this.#pending.get(Number(related));
		if ("id" in message) this.#ask(message, sender);
		else this.#notified(message, sender);
	}

	async close(): Promise<void> {
		this.onclose?.();
	}

	#notified({ method, params }: JSONRPCNotification, sender: Sender | undefined): void {
		const call = this.#callOf(sender);
		if (method.endsWith("/list_changed")) {
			if (!this.#retired) this.#listeners.onListChanged();
		} else if (method === "notifications/resources/updated") {
			this.#listeners.onResourceUpdated(params?.["uri"]);
		} else if (method === TASK_NOTIFICATION) {
			this.#listeners.onTaskChanged(params?.["taskId"]);
		} else if (method === "notifications/cancelled") {
			call?.asks.get(Number(params?.["requestId"]))?.abort();
		} else if (call !== undefined) {
			const json = textOf(method, params);
			if (json.length <= MAX_EMITTED_LENGTH) call.context.emit(json);
			else this.#listeners.onTooLong(method, json.length);
		} else if (sender?.session !== undefined && PUSHED.has(method)) {
			const json = textOf(method, params);
			this.#listeners.onPushed(sender.session, json.length <= MAX_PUSHED_LENGTH ? json : TOO_LONG);
		}
	}

	#ask({ id, method, params }: JSONRPCRequest, sender: Sender | undefined): void {
		const call = this.#callOf(sender);
		if (call === undefined) {
			throw new Error(`${method} goes to the client of a running call, and none is running here`);
		}
		const json = textOf(method, params);
		if (json.length > MAX_EMITTED_LENGTH) {
			throw new Error(
				`a ${method} of ${json.length} characters is longer than the ${MAX_EMITTED_LENGTH} allowed; send less`,
			);
		}
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

	#runningCall(): Call | undefined {
		return this.#callOf(this.#running.getStore());
	}

	/** Undefined when it has been answered. */
	#callOf(sender: Sender | undefined): Call | undefined {
		return sender === undefined ? undefined : this.#pending.get(sender.id);
	}

	#letGoIfDone(): void {
		if (!this.#retired || this.#pending.size > 0) return;
		const { onretired } = this;
		delete this.onretired; // once
		onretired?.();
	}
}

const PUSHED: ReadonlySet<string> = new Set(PUSHED_METHODS);
const NO_CALL = 0;
