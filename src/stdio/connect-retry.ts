import { setTimeout as delay } from "node:timers/promises";
import { isRecord } from "../../workers/wire/json.ts";

export interface RetryOptions {
	/** For the text of the error. */
	readonly url: URL;
	/** Resolves when the host, which has been away, has its modules. */
	readonly ready: () => Promise<void>;
	/** Whether it is not worth trying any more. */
	readonly isOver: () => boolean;
}

/** A host that starts again refuses connections for a moment; what it has refused, it has not begun. */
export function createRetry({ url, ready, isOver }: RetryOptions): <T>(attempt: () => Promise<T>) => Promise<T> {
	return async (attempt) => {
		const deadlineAt = performance.now() + REACHABLE_WITHIN_MS;
		for (;;) {
			try {
				return await attempt();
			} catch (error) {
				if (!isRefused(error) || isOver()) throw error;
				if (performance.now() > deadlineAt) throw new Error(`no host answers at ${url.href}`, { cause: error });
				await delay(RETRY_MS);
				await ready();
			}
		}
	};
}

const REACHABLE_WITHIN_MS = 5000;
const RETRY_MS = 100;

function isRefused(error: unknown): boolean {
	return error instanceof Error && isRecord(error.cause) && error.cause["code"] === "ECONNREFUSED";
}
