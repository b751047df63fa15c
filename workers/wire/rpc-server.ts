import { createWorkerAsks, type WorkerAsks } from "./client-requests.ts";
import { createBatchedPort } from "./batching-port.ts";
import { type BegunMark, openBegunMark } from "./ack-counter.ts";
import { InFlight } from "./in-flight.ts";
import { createMessageQuota } from "./token-bucket.ts";
import type { HostMessage, RequestMap, RequestMessage, RequestType, WorkerMessage } from "./messages.ts";
import { toWireError } from "./wire-error.ts";
import type { Port } from "./port.ts";

/** What the worker does for a request: the result, and what of it to transfer instead of copying. */
export interface Reply<Type extends RequestType> {
	readonly result: RequestMap[Type]["result"];
	readonly transfer?: ArrayBuffer[];
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

/** The worker's end of a port: says of every request that it has begun, and answers it exactly once. */
export function serveRpc(rawPort: Port, handlers: RequestHandlers): void {
	const port = createBatchedPort(rawPort);
	const quota = createMessageQuota(EMITTED_MESSAGES);
	const running = new InFlight<{ readonly controller: AbortController; readonly asks: WorkerAsks }>();
	let begun: BegunMark | undefined;
	port.on("message", (raw) => {
		const message = raw as HostMessage;
		if (message.type === "cancel") {
			const cancelled = running.get(message.id);
			cancelled?.controller.abort(message.reason);
			cancelled?.asks.close(message.reason);
		} else if (message.type === "answered") running.get(message.id)?.asks.answered(message.ask, message.json);
		else if (message.type === "progressed") running.get(message.id)?.asks.progressed(message.ask, message.json);
		else if (message.type === "sharing") begun = openBegunMark(message.begun);
		else void answer(message);
	});

	async function answer(request: RequestMessage): Promise<void> {
		const { id } = request;
		const controller = new AbortController();
		const asks = createWorkerAsks({
			asked: (ask, json) => post(port, { type: "asked", id, ask, json }),
			withdrawn: (ask) => post(port, { type: "withdrawn", id, ask }),
		});
		running.set(id, { controller, asks });
		if (begun === undefined) post(port, { type: "acked", id });
		else begun.set(id);
		port.flush(); // before the module runs: it may never come back
		const context: RequestContext = {
			signal: controller.signal,
			emit: (json) => {
				if (quota.take()) post(port, { type: "emitted", id, json });
			},
			ask: asks.ask,
		};
		try {
			const { result, transfer } = await dispatch(handlers, request, context);
			post(port, { type: "done", id, result }, transfer);
		} catch (thrown) {
			post(port, { type: "failed", id, error: toWireError(thrown) });
		} finally {
			running.delete(id);
			if (request.type !== "call") port.flush(); // nothing comes after the answer to `stop`
		}
	}
}

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

function post(port: Port, message: WorkerMessage, transfer: ArrayBuffer[] = []): void {
	port.postMessage(message, transfer);
}
