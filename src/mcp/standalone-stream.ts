import type { ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

/** The event stream that a session's client opens with GET, for what belongs to none of its requests. */
export class StandaloneStream {
	/** GETs for it that are not closed. All but one of them are being refused. */
	readonly #responses = new Set<ServerResponse>();

	/** A GET for the stream has arrived. */
	add(response: ServerResponse): void {
		this.#responses.add(response);
		response.once("close", () => this.#responses.delete(response));
	}

	/** Whether its client has left off reading: what is sent now would wait in memory. */
	isStalled(): boolean {
		return this.#open()?.writableNeedDrain === true;
	}

	/** Resolves when it is open: at once, or when the client comes (back) with its GET; false when it does not in time. */
	async opened(timeoutMs: number): Promise<boolean> {
		const until = performance.now() + timeoutMs;
		while (this.#open() === undefined) {
			if (performance.now() >= until) return false;
			// Node says nothing when the headers of a response leave, and only then does the transport send events on it.
			await delay(POLL_MS);
		}
		return true;
	}

	#open(): ServerResponse | undefined {
		for (const response of this.#responses) {
			if (response.headersSent && response.statusCode === 200 && !response.writableEnded) return response;
		}
		return undefined;
	}
}

const POLL_MS = 20;
