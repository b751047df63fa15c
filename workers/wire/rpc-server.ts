import {
	abort,
	bufferLengthOf,
	bufferOf,
	isAborted,
	NativeAbortController,
	NativeError,
	settle,
	signalOf,
} from "../primordials/primordials.ts";
import { createWorkerAsks, type WorkerAsks } from "./client-requests.ts";
import { createBatchedPort } from "./batching-port.ts";
import { type BegunMark, openBegunMark } from "./ack-counter.ts";
import { duringRequest } from "../primordials/current-request.ts";
import { InFlight } from "./in-flight.ts";
import { EMITTED_BYTES } from "./intake-quota.ts";
import { createMessageQuota } from "./token-bucket.ts";
import {
	type HostMessage,
	readAnswer,
	readCollected,
	readStarted,
	type RequestMap,
	type RequestMessage,
	type RequestType,
	type WorkerMessage,
} from "./messages.ts";
import { toWireError } from "./wire-error.ts";
import { NO_TRANSFER, type Port } from "./port.ts";

/** What the worker does for a request. */
export interface Reply<Type extends RequestType> {
	readonly result: RequestMap[Type]["result"];
}
export interface RequestContext {
	/** Aborted when the host cancels the request or its deadline has passed. */
	readonly signal: AbortSignal;
	readonly emit: (json: string) => void;
	readonly ask: WorkerAsks["ask"];
}
export type RequestHandlers = {
	readonly [Type in RequestType]: (
		params: RequestMap[Type]["params"],
		context: RequestContext,
	) => Reply<Type> | Promise<Reply<Type>>;
};

/** What all running calls of a module may report together: progress, log messages. Beyond it they are dropped. */
const EMITTED_MESSAGES = { perSecond: 2000, burst: 5000 };

/**
 * The worker's end of a port: says of every request that it has begun, and answers it exactly once.
 *
 * It shares its realm with a module, which may have replaced every method there is and may come by what a handler
 * returns before it arrives here. So what is sent is made here, of values that were judged here, by nothing but
 * primordials.
 */
export function serveRpc(rawPort: Port, handlers: RequestHandlers): void {
	const port = createBatchedPort(rawPort, "worker");
	const quota = createMessageQuota(EMITTED_MESSAGES);
	const bytes = createMessageQuota(EMITTED_BYTES);
	const running = new InFlight<{ readonly controller: AbortController; readonly asks: WorkerAsks }>();
	let begun: BegunMark | undefined;
	port.on("message", (raw) => {
		const message = raw as HostMessage;
		if (message.type === "cancel") cancel(message.id, message.reason);
		else if (message.type === "answered") running.get(message.id)?.asks.answered(message.ask, message.json);
		else if (message.type === "progressed") running.get(message.id)?.asks.progressed(message.ask, message.json);
		else if (message.type === "sharing") begun = openBegunMark(message.begun);
		else answer(message);
	});

	function cancel(id: number, reason: string): void {
		const cancelled = running.get(id);
		cancelled?.asks.close(reason);
		try {
			if (cancelled !== undefined && !isAborted(signalOf(cancelled.controller))) abort(cancelled.controller, reason);
		} catch {
			// Node calls listeners by way of methods that a module may have replaced.
		}
	}

	function answer(request: RequestMessage): void {
		const { id, type } = request;
		const controller = new NativeAbortController();
		const asks = createWorkerAsks({
			asked: (ask, json) => post({ type: "asked", id, ask, json }),
			withdrawn: (ask) => post({ type: "withdrawn", id, ask }),
		});
		running.set(id, { controller, asks });
		if (begun === undefined) post({ type: "acked", id });
		else begun.set(id);
		port.flush(); // before the module runs: it may never come back
		const context: RequestContext = {
			signal: signalOf(controller),
			emit: (json) => {
				if (quota.take() && bytes.take(json.length)) post({ type: "emitted", id, json });
			},
			ask: asks.ask,
		};
		const end = (): void => {
			running.delete(id);
			if (type !== "call") port.flush(); // nothing comes after the answer to `stop`
		};
		const fail = (thrown: unknown): void => {
			post({ type: "failed", id, error: toWireError(thrown) });
			end();
		};
		settle(
			() => duringRequest(id, () => dispatch(handlers, request, context)),
			(reply) => {
				try {
					send(id, type, reply);
				} catch (thrown) {
					return fail(thrown);
				}
				end();
			},
			fail,
		);
	}

	function send(id: number, type: RequestType, reply: Reply<RequestType>): void {
		const result = judged(type, reply.result);
		const snapshot = type === "collect" ? (result as { readonly snapshot?: Uint8Array }).snapshot : undefined;
		post({ type: "done", id, result }, snapshot === undefined ? NO_TRANSFER : [bufferOf(snapshot)]);
	}

	function post(message: WorkerMessage, transfer = NO_TRANSFER): void {
		port.postMessage(message, transfer);
	}
}

/** @throws when it is not what the protocol says, as when a module has replaced it on its way */
function judged(type: RequestType, given: unknown): unknown {
	if (type === "ping" || type === "stop") return null;
	const result =
		type === "start" ? readStarted(given) : type === "collect" ? readCollected(given) : readAnswer(given, MAX_ANSWER);
	if (result === undefined) throw new NativeError(`what the module answered to ${type} is not of the protocol`);
	const snapshot = "snapshot" in result ? result.snapshot : undefined;
	if (snapshot !== undefined && bufferLengthOf(bufferOf(snapshot)) > MAX_SNAPSHOT_BUFFER) {
		throw new NativeError("the module's snapshot is longer than allowed");
	}
	return result;
}

/** Longest text and largest buffer that leave a worker, whatever its limits are: those are kept before, and judged in main. */
const MAX_ANSWER = 1 << 28;
const MAX_SNAPSHOT_BUFFER = 1 << 26;

function dispatch(
	handlers: RequestHandlers,
	request: RequestMessage,
	context: RequestContext,
): Reply<RequestType> | Promise<Reply<RequestType>> {
	switch (request.type) {
		case "start":
			return handlers.start(request.params, context);
		case "collect":
			return handlers.collect(request.params, context);
		case "call":
			return handlers.call(request.params, context);
		case "ping":
			return handlers.ping(request.params, context);
		case "stop":
			return handlers.stop(request.params, context);
	}
}
