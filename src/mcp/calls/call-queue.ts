import { BulkheadError } from "../../core/errors.ts";

/**
 * Lets so many calls of one module run at a time and keeps some more waiting. Those that wait are served client by client
 * in turn, so a client with a hundred calls does not hold up one with a single call.
 */
export interface CallQueue {
	/**
	 * A place to run in, or undefined when all are taken: then `wait`.
	 * The caller gives the place back with `leave`.
	 */
	enter(): boolean;
	/**
	 * Resolves when a place is free and taken.
	 *
	 * @param client who calls; any text that tells clients apart
	 * @throws {BulkheadError} MODULE_BUSY at once when the queue is full, CALL_TIMEOUT, CALL_CANCELLED
	 */
	wait(client: string, deadlineMs: number, signal: AbortSignal): Promise<void>;
	leave(): void;
	/** Calls that wait. */
	waiting(): number;
	/** Calls that have a place. */
	running(): number;
}

export interface CallQueueOptions {
	/** For the texts of errors. */
	readonly moduleId: string;
	/** What holds now: the operator may change it while calls wait. */
	readonly limits: () => CallLimits;
}

export interface CallLimits {
	/** Calls that may run at a time. */
	readonly concurrency: number;
	/** Calls that may wait. */
	readonly capacity: number;
}

export function createCallQueue({ moduleId, limits }: CallQueueOptions): CallQueue {
	/** Per client those that wait, and the clients in the order of their turns. */
	const turns = new Map<string, Set<() => void>>();
	let running = 0;
	let waiting = 0;

	/** Serves as many as there are places for: more than one, where the limit has been raised. */
	function serveNext(): void {
		const { concurrency } = limits();
		for (const [client, calls] of turns) {
			if (running >= concurrency) return;
			turns.delete(client);
			const [grant] = calls;
			if (grant === undefined) continue;
			calls.delete(grant);
			if (calls.size > 0) turns.set(client, calls); // to the end: the others have their turn first
			running += 1;
			grant();
		}
	}

	function line(client: string): Set<() => void> {
		const known = turns.get(client);
		if (known !== undefined) return known;
		const calls = new Set<() => void>();
		turns.set(client, calls);
		return calls;
	}

	return {
		enter() {
			if (running >= limits().concurrency) return false;
			running += 1;
			return true;
		},
		wait(client, deadlineMs, signal) {
			return new Promise((resolve, reject) => {
				if (signal.aborted) return reject(cancelled(moduleId));
				const { concurrency, capacity } = limits();
				if (waiting >= capacity) return reject(busy(moduleId, concurrency, capacity));
				waiting += 1;
				const calls = line(client);
				const leaveLine = (): void => {
					waiting -= 1;
					clearTimeout(timer);
					signal.removeEventListener("abort", onAbort);
				};
				const giveUp = (error: BulkheadError): void => {
					leaveLine();
					calls.delete(grant);
					if (calls.size === 0 && turns.get(client) === calls) turns.delete(client);
					reject(error);
				};
				const grant = (): void => {
					leaveLine();
					resolve();
				};
				const onAbort = (): void => giveUp(cancelled(moduleId));
				const timer = setTimeout(() => giveUp(late(moduleId, deadlineMs)), deadlineMs);
				signal.addEventListener("abort", onAbort, { once: true });
				calls.add(grant);
			});
		},
		leave() {
			running -= 1;
			serveNext();
		},
		waiting: () => waiting,
		running: () => running,
	};
}

/** The queues of all modules. */
export interface CallQueues {
	of(moduleId: string): CallQueue;
	load(moduleId: string): CallLoad;
}

export interface CallLoad {
	readonly waiting: number;
	readonly running: number;
}

export function createCallQueues(limitsOf: (moduleId: string) => CallLimits): CallQueues {
	/** One per module that was ever called; modules are files that the operator has put there. */
	const queues = new Map<string, CallQueue>();
	return {
		of(moduleId) {
			const known = queues.get(moduleId);
			if (known !== undefined) return known;
			const queue = createCallQueue({ moduleId, limits: () => limitsOf(moduleId) });
			queues.set(moduleId, queue);
			return queue;
		},
		load(moduleId) {
			const queue = queues.get(moduleId);
			return { waiting: queue?.waiting() ?? 0, running: queue?.running() ?? 0 };
		},
	};
}

function busy(moduleId: string, concurrency: number, capacity: number): BulkheadError {
	const message = `${moduleId} is busy: ${concurrency} calls run and ${capacity} wait (CALL_CONCURRENCY and CALL_QUEUE, or concurrency and queue in plugins.yaml); try again later`;
	return new BulkheadError("MODULE_BUSY", message);
}

function late(moduleId: string, deadlineMs: number): BulkheadError {
	const message = `${moduleId} was busy with other calls for the ${deadlineMs} ms that the call had; try again later`;
	return new BulkheadError("CALL_TIMEOUT", message);
}

function cancelled(moduleId: string): BulkheadError {
	return new BulkheadError("CALL_CANCELLED", `the call to ${moduleId} was cancelled while it waited for its turn`);
}
