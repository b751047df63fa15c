import { type AskClient, createHostAsks, type HostAsks } from "./client-requests.ts";
import { createBatchedPort } from "./batching-port.ts";
import { createBegunMark } from "./ack-counter.ts";
import { createIntakeQuota } from "./intake-quota.ts";
import { startDeadline } from "./pausable-deadline.ts";
import { InFlight } from "./in-flight.ts";
import {
	type HostMessage,
	type NoticeMessage,
	type RequestMap,
	type RequestMessage,
	type RequestType,
	readWorkerMessage,
	type WorkerMessage,
} from "./messages.ts";
import type { WireErrorDto } from "./wire-error.ts";
import { NO_TRANSFER, type Port } from "./port.ts";

/** Why a request has no result. `remote` is the module's own failure, the others are ours. */
export type RpcFailure = "timeout" | "cancelled" | "closed" | "violation" | "remote";

export class RpcError extends Error {
	override readonly name = "RpcError";
	readonly failure: RpcFailure;
	/** Whether the worker had begun the request. One that was never acknowledged had no effect. */
	readonly acked: boolean;
	/** What the module threw; only with `remote`. */
	readonly remote: WireErrorDto | undefined;

	constructor(failure: RpcFailure, message: string, acked: boolean, remote?: WireErrorDto) {
		super(message);
		this.failure = failure;
		this.acked = acked;
		this.remote = remote;
	}
}

/** They stay on this side of the wall: a worker only knows the number of its request, so it can claim no other's. */
export type RequestLabels = Readonly<Record<string, string>>;

export interface RequestOptions<Type extends RequestType> {
	readonly deadlineMs: number;
	/** Narrows what the worker sent; undefined means that it is not what the protocol says. */
	readonly read: (value: unknown) => RequestMap[Type]["result"] | undefined;
	readonly signal?: AbortSignal;
	/** What a log line of the request's code is to carry. */
	readonly labels?: RequestLabels;
	readonly onEmitted?: (json: string) => void;
	/** Answers what the request asks its client. While it waits for that, its deadline stands still. */
	readonly onAsked?: AskClient;
	/**
	 * Called when the request is given up while the worker may still be at work on it; `over` resolves once it no longer is,
	 * and never rejects.
	 */
	readonly onLeftRunning?: (over: Promise<void>) => void;
}

export interface RpcClient {
	/** @throws {RpcError} always within the deadline, whatever the worker does */
	request<Type extends RequestType>(
		type: Type,
		params: RequestMap[Type]["params"],
		options: RequestOptions<Type>,
	): Promise<RequestMap[Type]["result"]>;
	/** How many requests wait for an answer. */
	pending(): number;
	/** Resolves when no request waits for an answer any more, or after the time given. */
	drained(timeoutMs: number): Promise<void>;
	/** Rejects all that is pending and every later request. Safe to call twice. */
	dispose(reason: string): void;
}

export interface RpcClientListeners {
	/** Messages that answer no request. */
	/** @param labels of the request that a log line belongs to, if it is one of the last `RECENT_REQUESTS` */
	readonly onEvent: (event: NoticeMessage, labels: RequestLabels | undefined) => void;
	/** The worker sent something that the protocol does not know, or answered what nobody asked. */
	readonly onViolation: (what: string) => void;
	/** It has broken the protocol, or its limits, so often that it should be ended. Called once. @param what completes "it …" */
	readonly onUnruly?: (what: string) => void;
	/** A request was cancelled, its deadline and the grace after it have passed, and the worker has not ended it. */
	readonly onOverrun: (type: RequestType) => void;
}

interface Pending {
	readonly id: number;
	acked: boolean;
	readonly settle: (outcome: { readonly value: unknown } | { readonly error: RpcError }) => void;
	readonly emitted: ((json: string) => void) | undefined;
	readonly asks: HostAsks;
}

/** A request that was given up and that the worker has not answered yet. */
interface LeftRunning {
	readonly id: number;
	readonly timer: NodeJS.Timeout;
	readonly end: () => void;
}

/** Of so many requests the labels are kept for lines that come after their answer. */
const RECENT_REQUESTS = 1024;

/**
 * The host's end of a port.
 *
 * @param graceMs how long after its deadline a request may take to clean up behind itself
 */
export function createRpcClient(rawPort: Port, listeners: RpcClientListeners, graceMs: number): RpcClient {
	const port = createBatchedPort(rawPort, "host");
	const post = (message: HostMessage): void => port.postMessage(message, NO_TRANSFER);
	const begun = port.sharesMemory ? createBegunMark() : undefined;
	if (begun !== undefined) post({ type: "sharing", begun: begun.memory });
	const pending = new InFlight<Pending>();
	const leftRunning = new InFlight<LeftRunning>();
	const drainWaiters = new Set<() => void>();
	const intake = createIntakeQuota();
	/** By the end of the request's number: a timer of a call that is over still writes lines. */
	const recent: { readonly id: number; readonly labels: RequestLabels }[] = [];
	let violations = 0;
	let lastId = 0;
	let closedBecause: string | undefined;

	port.on("message", (raw) => {
		const message = readWorkerMessage(raw);
		if (message === undefined) return violated("sent a message that is not of the protocol");
		if (!intake.takes(message)) return violated(`sent more than it may (${message.type})`);
		switch (message.type) {
			case "relisted":
			case "updated":
			case "pushed":
			case "taskChanged":
				return listeners.onEvent(message, undefined);
			case "logged":
				return listeners.onEvent(message, labelsOf(message.during));
			case "acked":
			case "emitted":
			case "asked":
			case "withdrawn":
			case "done":
			case "failed":
				return receive(message);
		}
	});

	/** The first are told; of the others only that they were too many. */
	function violated(what: string): void {
		violations += 1;
		if (violations <= MAX_TOLD) listeners.onViolation(what);
		if (violations === MAX_VIOLATIONS) listeners.onUnruly?.(what);
	}

	function receive(message: Extract<WorkerMessage, { id: number }>): void {
		const request = pending.get(message.id);
		// A request that timed out or was cancelled may be answered late; an id that was never given is a forgery.
		if (request === undefined) {
			if (message.type === "done" || message.type === "failed") endLeftRunning(message.id);
			if (message.id < 1 || message.id > lastId) violated(`answered request ${message.id}, never sent`);
			return;
		}
		if (message.type === "acked") request.acked = true;
		else if (message.type === "emitted") request.emitted?.(message.json);
		else if (message.type === "withdrawn") request.asks.withdraw(message.ask);
		else if (message.type === "asked") {
			if (!request.asks.open(message.ask, message.json)) violated(`used ask ${message.ask} twice`);
		} else if (message.type === "done") request.settle({ value: message.result });
		else request.settle({ error: new RpcError("remote", message.error.message, true, message.error) });
	}

	function labelsOf(during: number | undefined): RequestLabels | undefined {
		const known = during === undefined ? undefined : recent[during % RECENT_REQUESTS];
		return known?.id === during ? known?.labels : undefined;
	}

	function hasBegun({ id, acked }: Pending): boolean {
		return acked || begun?.has(id) === true;
	}

	/** The worker has been told to end it, and has until then. */
	function leaveRunning(id: number, type: RequestType, timeLeftMs: number): Promise<void> {
		return new Promise((resolve) => {
			const timer = setTimeout(() => listeners.onOverrun(type), timeLeftMs + graceMs);
			leftRunning.set(id, { id, timer, end: resolve });
		});
	}

	function endLeftRunning(id: number): void {
		const left = leftRunning.get(id);
		if (left === undefined) return;
		leftRunning.delete(id);
		clearTimeout(left.timer);
		left.end();
	}

	return {
		request(type, params, { deadlineMs, read, signal, labels, onEmitted, onAsked, onLeftRunning }) {
			return new Promise((resolve, reject) => {
				if (closedBecause !== undefined) return reject(new RpcError("closed", closedBecause, false));
				if (signal?.aborted === true) return reject(new RpcError("cancelled", reasonOf(signal), false));
				lastId += 1;
				const id = lastId;
				if (labels !== undefined) recent[id % RECENT_REQUESTS] = { id, labels };
				const finish = (failure: RpcFailure, message: string): void => {
					post({ type: "cancel", id, reason: message });
					const over = leaveRunning(id, type, clock.leftMs());
					onLeftRunning?.(over);
					entry.settle({ error: new RpcError(failure, message, hasBegun(entry)) });
				};
				const clock = startDeadline(deadlineMs, () => finish("timeout", `no answer within ${deadlineMs} ms`));
				const onAbort = (): void => finish("cancelled", signal === undefined ? "" : reasonOf(signal));
				signal?.addEventListener("abort", onAbort, { once: true });
				const entry: Pending = {
					id,
					acked: false,
					emitted: onEmitted,
					asks: createHostAsks({
						askClient: onAsked,
						send: (ask, json) => post({ type: "answered", id, ask, json }),
						sendProgress: (ask, json) => post({ type: "progressed", id, ask, json }),
						onWaiting: clock.stop,
						onResumed: clock.start,
					}),
					settle(outcome) {
						pending.delete(id);
						if (pending.size === 0) for (const drained of [...drainWaiters]) drained();
						clock.stop();
						entry.asks.close();
						signal?.removeEventListener("abort", onAbort);
						if ("error" in outcome) return reject(outcome.error);
						const result = read(outcome.value);
						if (result === undefined)
							reject(new RpcError("violation", `the answer to ${type} is not of the protocol`, true));
						else resolve(result);
					},
				};
				pending.set(id, entry);
				post({ type, id, params } as RequestMessage);
			});
		},
		pending: () => pending.size,
		drained(timeoutMs) {
			return new Promise((resolve) => {
				if (pending.size === 0) return resolve();
				const done = (): void => {
					drainWaiters.delete(done);
					clearTimeout(timer);
					resolve();
				};
				const timer = setTimeout(done, timeoutMs);
				drainWaiters.add(done);
			});
		},
		dispose(reason) {
			if (closedBecause !== undefined) return;
			closedBecause = reason;
			for (const request of pending.values()) {
				request.settle({ error: new RpcError("closed", reason, hasBegun(request)) });
			}
			for (const { id } of leftRunning.values()) endLeftRunning(id);
		},
	};
}

/** A worker's runtime never breaks the protocol; what a busy one has sent too fast for main is some messages. */
const MAX_VIOLATIONS = 1000;
const MAX_TOLD = 10;

function reasonOf(signal: AbortSignal): string {
	const reason: unknown = signal.reason;
	return reason instanceof Error ? reason.message : String(reason);
}
