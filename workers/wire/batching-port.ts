import { MessagePort } from "node:worker_threads";
import { cancelImmediate, createList, immediate, isArray } from "../primordials/primordials.ts";
import { NO_TRANSFER, type Port } from "./port.ts";
import { listenShielded, sendOn } from "../primordials/shielded-port.ts";

export interface BatchedPort extends Port {
	/** Whether the other end is a thread of this process. */
	readonly sharesMemory: boolean;
	/** Sends what waits. */
	flush(): void;
}

/**
 * Sends what is posted to a thread while the event loop handles one round of input as one message: waking the thread at
 * the other end costs more than the message itself, and under load every round brings several. The order is kept; what is
 * posted with something to transfer goes at once, after everything before it. So does a batch that is long enough for the
 * other thread to begin with: one that waited for the end of the round would leave the two threads working by turns.
 *
 * A port of another kind is used as it is. A process reads a pipe, where each message is a frame of limited size.
 *
 * @param side the worker's end shares its realm with a module
 */
export function createBatchedPort(port: Port, side: "host" | "worker"): BatchedPort {
	if (!(port instanceof MessagePort)) {
		return {
			sharesMemory: false,
			postMessage: (message, transfer) => port.postMessage(message, transfer),
			on: (event, listener) => port.on(event, listener),
			close: () => port.close(),
			flush: () => undefined,
		};
	}
	const thread: MessagePort = port;
	let batch = createList<unknown>();
	let flushing: NodeJS.Immediate | undefined;

	function flush(): void {
		if (flushing !== undefined) cancelImmediate(flushing);
		flushing = undefined;
		if (batch.length === 0) return;
		const messages = batch;
		batch = createList();
		sendOn(thread, messages.length === 1 ? messages[0] : messages, NO_TRANSFER);
	}

	return {
		sharesMemory: true,
		postMessage(message, transfer) {
			if (transfer.length > 0) {
				flush();
				return sendOn(thread, message, transfer);
			}
			batch[batch.length] = message;
			if (batch.length >= MAX_BATCH) flush();
			else flushing ??= immediate(flush);
		},
		on(event, listener) {
			const receive = (received: unknown): void => {
				// A longer one than is ever sent goes on as it is: it is no message of the protocol.
				if (!isArray(received) || received.length === 0 || received.length > MAX_BATCH) return listener(received);
				for (let index = 0; index < received.length; index++) listener(received[index]);
			};
			if (side === "worker") listenShielded(thread, receive);
			else thread.on(event, receive);
		},
		flush,
		close() {
			flush();
			thread.close();
		},
	};
}

/** Small enough that the other thread begins with the first while this one is still busy with the last of its round. */
const MAX_BATCH = 6;
