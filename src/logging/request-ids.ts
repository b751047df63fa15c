import { AsyncLocalStorage } from "node:async_hooks";

/** What tells one request from another in the log. None of it is a credential. */
export interface RequestIds {
	readonly request_id: string;
	/** Tells 2025-era sessions apart; not the session's id, which opens it. */
	readonly session_id?: string;
	/** The name of who asks, where the host knows it. */
	readonly principal?: string;
	/** Of W3C trace context: 32 hexadecimal digits. */
	readonly trace_id?: string;
}

/** Runs the code of a request: its lines carry the ids. */
export function withRequestIds<Result>(ids: RequestIds, code: () => Result): Result {
	return storage.run({ ids }, code);
}

/** Runs code that outlives the request it happens in, such as the start of a worker: its lines are no request's. */
export function outsideRequests<Result>(code: () => Result): Result {
	return storage.getStore() === undefined ? code() : storage.run(undefined, code);
}

export function currentRequestIds(): RequestIds | undefined {
	return storage.getStore()?.ids;
}

/** What has become known of the running request. */
export function addRequestIds(known: Omit<RequestIds, "request_id">): void {
	const scope = storage.getStore();
	if (scope !== undefined) scope.ids = { ...scope.ids, ...known };
}

/**
 * An id for a request: the client's or the proxy's own where it is one that may stand in a log, else a new one.
 *
 * @param given the header `x-request-id`
 */
export function requestIdOf(given: string | readonly string[] | undefined): string {
	if (typeof given === "string" && GIVEN_ID.test(given)) return given;
	count += 1;
	return `${START}-${count.toString(36)}`;
}

const storage = new AsyncLocalStorage<{ ids: RequestIds } | undefined>();
const GIVEN_ID = /^[\w.:@/+=-]{1,128}$/;
/** Two runs of a host, or two replicas, give no id twice. */
const START = crypto.randomUUID().slice(0, 13);
let count = 0;
