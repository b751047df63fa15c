import { AsyncLocalStorage } from "node:async_hooks";
import type { ServerResponse } from "node:http";
import type { RunningCall } from "./call-relay.ts";
import type { CallOrigin, ForwardedMethod } from "./call.ts";

/** What is known of an HTTP request where the SDK handles the message in it. */
export interface RequestScope {
	readonly origin: CallOrigin;
	/**
	 * The request's call, when it was begun before the SDK was asked. Taken once: who takes it attaches itself.
	 */
	readonly takeCall?: TakeCall;
	/**
	 * Whether the client has closed its connection and cannot come back to an event stream on which nothing has been sent.
	 * Undefined where its disconnecting cancels the call.
	 */
	readonly isGone?: () => boolean;
	/** Of a `subscriptions/listen`: its event stream, and the resources that the client wants to hear of. */
	readonly listening?: { readonly response: ServerResponse; readonly uris: ReadonlySet<string> };
}

export type TakeCall = (method: ForwardedMethod) => RunningCall | undefined;

/** The SDK passes no context of ours from its transports to its handlers; Node does. */
export const requestScope = new AsyncLocalStorage<RequestScope>();

/** Who has sent the request that is being handled. */
export function currentOrigin(): CallOrigin {
	return requestScope.getStore()?.origin ?? { client: "" };
}
