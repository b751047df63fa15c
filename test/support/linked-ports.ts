/** Two ports that hand messages to one another, cloned and transferred as between threads, in one thread and at once. */
import type { IntakePort } from "../../src/metrics/ingest/protocol.ts";

export function createLinkedPorts<One, Other>(): readonly [IntakePort<One, Other>, IntakePort<Other, One>] {
	const ones: ((message: Other) => void)[] = [];
	const others: ((message: One) => void)[] = [];
	return [portOf<One, Other>(others, ones), portOf<Other, One>(ones, others)];
}

function portOf<Sent, Received>(
	theirs: readonly ((message: Sent) => void)[],
	own: ((message: Received) => void)[],
): IntakePort<Sent, Received> {
	return {
		postMessage(message, transfer) {
			const arrived = structuredClone(message, { transfer });
			queueMicrotask(() => {
				for (const listener of theirs) listener(arrived);
			});
		},
		on: (_event, listener) => own.push(listener),
	};
}
