import { MessagePort } from "node:worker_threads";
import type { Port } from "./port.ts";

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
 */
export function createBatchedPort(port: Port): BatchedPort {
	if (!(port instanceof MessagePort)) {
		return {
			sharesMemory: false,
			postMessage: (message, transfer) => port.postMessage(message, transfer),
			on: (event, listener) => port.on(event, listener),
			close: () => port.close(),
			flush: () => undefined,
		};
	}
	let batch: unknown[] = [];
	let flushing: NodeJS.Immediate | undefined;

	function flush(): void {
		if (flushing !== undefined) clearImmediate(flushing);
		flushing = undefined;
		if (batch.length === 0) return;
		const messages = batch;
		batch = [];
		port.postMessage(messages.length === 1 ? messages[0] : messages, []);
	}

	return {
		sharesMemory: true,
		postMessage(message, transfer) {
			if (transfer.length > 0) {
				flush();
				return port.postMessage(message, transfer);
			}
			batch.push(message);
			if (batch.length >= MAX_BATCH) flush();
			else flushing ??= setImmediate(flush);
		},
		on: (event, listener) =>
			port.on(event, (received) => {
				if (!Array.isArray(received) || received.length === 0) return listener(received);
				for (const message of received as unknown[]) listener(message);
			}),
		flush,
		close() {
			flush();
			port.close();
		},
	};
}

/** Small enough that the other thread begins with the first while this one is still busy with the last of its round. */
const MAX_BATCH = 6;
