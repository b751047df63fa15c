import workerThreads from "node:worker_threads";
import { lockValue } from "./denial.ts";

/**
 * Puts channels that reach nobody in the place of Node's, which reach every thread of the process. Libraries open one when
 * they are imported (`@prometheus-io/client` to find the workers of its cluster), and do without an answer.
 *
 * It is called before libraries are imported, those that the host trusts among them: theirs would reach the copies that
 * other modules have.
 */
export function isolateBroadcasts(): void {
	lockValue(globalThis, "BroadcastChannel", BroadcastChannel);
	lockValue(workerThreads, "BroadcastChannel", BroadcastChannel);
}

class BroadcastChannel extends EventTarget {
	readonly name: string;
	onmessage: unknown = null;
	onmessageerror: unknown = null;
	#closed = false;

	constructor(...args: readonly unknown[]) {
		super();
		if (args.length === 0) throw new TypeError('The "name" argument must be specified');
		this.name = String(args[0]);
	}

	postMessage(...args: readonly unknown[]): void {
		if (args.length === 0) throw new TypeError('The "message" argument must be specified');
		if (this.#closed) throw new DOMException("BroadcastChannel is closed.", "InvalidStateError");
		structuredClone(args[0]); // throws at what could not be sent
	}

	close(): void {
		this.#closed = true;
	}

	ref(): this {
		return this;
	}

	unref(): this {
		return this;
	}
}
