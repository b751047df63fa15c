import type { ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { onCaughtUp } from "./change-notifier.ts";

/** The event stream that a session's client opens with GET, for what belongs to none of its requests. */
export class StandaloneStream {
	/** GETs for it that are not closed, in the order of their arrival. */
	readonly #responses = new Set<ServerResponse>();
	readonly #caughtUp: () => void;

	/** @param caughtUp called when its client, after it had left off reading, has read all, or has gone */
	constructor(caughtUp: () => void = () => undefined) {
		this.#caughtUp = caughtUp;
	}

	/**
	 * A GET for the stream has arrived: its client has given up the connections that it had before, which may be full of what
	 * was never read.
	 *
	 * @param resumes whether it goes on after an event. If not, what was written on an earlier one may leave, for a moment
	 */
	add(response: ServerResponse, resumes = false): void {
		for (const earlier of this.#responses) {
			if (resumes) earlier.destroy();
			else setTimeout(() => earlier.destroy(), LAST_BYTES_MS).unref();
		}
		this.#responses.add(response);
		const checkAgain = (): void => {
			if (!this.isStalled()) this.#caughtUp();
		};
		onCaughtUp(response, checkAgain);
		response.once("close", () => {
			this.#responses.delete(response);
			checkAgain();
		});
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

	/** The last one: earlier ones may not have been read to their end, later ones are being refused. */
	#open(): ServerResponse | undefined {
		return [...this.#responses].findLast(
			({ headersSent, statusCode, writableEnded, destroyed }) =>
				headersSent && statusCode === 200 && !writableEnded && !destroyed,
		);
	}
}

const POLL_MS = 20;
const LAST_BYTES_MS = 500;
