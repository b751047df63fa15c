import { listen, NativePromise, stringify, unlisten } from "../primordials/primordials.ts";
import { InFlight } from "./in-flight.ts";
import { MAX_OPEN_ASKS } from "./messages.ts";

/**
 * Puts one request of a running call to the call's client.
 *
 * @param json text of `{method, params}`, unchecked
 * @param signal aborts when the module no longer waits, or the call has ended
 * @param onProgress called with text of `{progress, total?, message?}` when the client reports some
 * @returns text of `{result}` or `{error}`; it never rejects
 */
export type AskClient = (json: string, signal: AbortSignal, onProgress: (json: string) => void) => Promise<string>;

/** The host's account of what one running call has asked its client. */
export interface HostAsks {
	/** False when the worker broke the protocol: the number was used before. */
	open(ask: number, json: string): boolean;
	withdraw(ask: number): void;
	/** The call has ended: nobody waits for an answer any more. */
	close(): void;
}

export interface HostAsksOptions {
	/** Undefined when the call has no client that could be asked. */
	readonly askClient: AskClient | undefined;
	readonly send: (ask: number, json: string) => void;
	readonly sendProgress: (ask: number, json: string) => void;
	/** The call waits for its client, which is not the module's time. */
	readonly onWaiting: () => void;
	/** The last answer is in. */
	readonly onResumed: () => void;
}

export function createHostAsks({ askClient, send, sendProgress, onWaiting, onResumed }: HostAsksOptions): HostAsks {
	const open = new Map<number, AbortController>();
	let lastAsk = 0;

	async function forward(ask: number, json: string, client: AskClient): Promise<void> {
		const controller = new AbortController();
		open.set(ask, controller);
		if (open.size === 1) onWaiting();
		const answer = await client(json, controller.signal, (progress) => {
			if (open.has(ask)) sendProgress(ask, progress);
		});
		if (!open.delete(ask)) return; // withdrawn meanwhile
		send(ask, answer);
		if (open.size === 0) onResumed();
	}

	return {
		open(ask, json) {
			if (ask <= lastAsk) return false;
			lastAsk = ask;
			if (askClient === undefined) send(ask, refusal("the client of this call cannot be asked: it has no session"));
			else if (open.size >= MAX_OPEN_ASKS)
				send(ask, refusal(`a call may have ${MAX_OPEN_ASKS} requests to its client open at a time`));
			else void forward(ask, json, askClient);
			return true;
		},
		withdraw(ask) {
			const controller = open.get(ask);
			if (controller === undefined) return;
			open.delete(ask);
			controller.abort("the module no longer waits for the answer");
			if (open.size === 0) onResumed();
		},
		close() {
			for (const controller of open.values()) controller.abort("the call has ended");
			if (open.size > 0) open.clear();
		},
	};
}

/** The worker's account of what one running call has asked its client. */
export interface WorkerAsks {
	/**
	 * @param json text of `{method, params}`
	 * @param signal aborts when the answer is no longer wanted; the promise then stays open
	 * @param onProgress called with what the client says of how far it is
	 * @returns text of `{result}` or `{error}`
	 */
	ask(json: string, signal?: AbortSignal, onProgress?: (json: string) => void): Promise<string>;
	answered(ask: number, json: string): void;
	progressed(ask: number, json: string): void;
	/** The host has given the call up and answers none of its asks any more: those that wait, and later ones, are refused. */
	close(why: string): void;
}

export function createWorkerAsks(send: {
	readonly asked: (ask: number, json: string) => void;
	readonly withdrawn: (ask: number) => void;
}): WorkerAsks {
	const waiting = new InFlight<WaitingAsk>();
	let lastAsk = 0;
	let closed: string | undefined;
	return {
		ask(json, signal, onProgress) {
			if (closed !== undefined) return new NativePromise((resolve) => resolve(closed as string));
			lastAsk += 1;
			const ask = lastAsk;
			return new NativePromise((resolve) => {
				const onAbort = (): void => {
					if (waiting.delete(ask)) send.withdrawn(ask);
				};
				if (signal !== undefined) listen(signal, "abort", onAbort);
				waiting.set(ask, {
					onProgress,
					resolve(answer) {
						if (signal !== undefined) unlisten(signal, "abort", onAbort);
						resolve(answer);
					},
				});
				send.asked(ask, json);
			});
		},
		answered(ask, json) {
			const asked = waiting.get(ask);
			waiting.delete(ask);
			asked?.resolve(json);
		},
		progressed: (ask, json) => waiting.get(ask)?.onProgress?.(json),
		close(why) {
			closed = refusal(`the call has been given up, and its client is not asked any more: ${why}`);
			const open = waiting.values();
			for (let at = 0; at < open.length; at++) (open[at] as WaitingAsk).resolve(closed);
			waiting.clear();
		},
	};
}

interface WaitingAsk {
	readonly resolve: (json: string) => void;
	readonly onProgress: ((json: string) => void) | undefined;
}

const INVALID_REQUEST = -32600;

function refusal(message: string): string {
	return `{"error":{"code":${INVALID_REQUEST},"message":${stringify(message)}}}`;
}
