import { MessagePort } from "node:worker_threads";
import { defineProperty } from "./primordials.ts";

/**
 * Has what arrives at a port handed to this listener alone. Node looks up on the port which function to call with a
 * message, and finds one that a module may have replaced on `EventTarget.prototype`: it would be called with the port to
 * the host as `this`. A property of the port's own comes before that.
 *
 * @throws when this version of Node looks up another name: better no module than one that could have the port
 */
export function listenShielded(port: MessagePort, listener: (message: unknown) => void): void {
	if (!(DISPATCH in port)) throw new Error("this version of Node dispatches messages in a way that is not known here");
	const dispatch = (message: unknown, type: string): void => {
		if (type === "message") listener(message);
	};
	const descriptor = { __proto__: null, value: dispatch, writable: false, configurable: false };
	defineProperty(port, DISPATCH, descriptor as PropertyDescriptor);
	call(ref, port);
	call(start, port);
}

/** Sends on a port, whatever has become of `postMessage`. */
export function sendOn(port: MessagePort, message: unknown, transfer: ArrayBuffer[]): void {
	call(post, port, message, transfer);
}

// Seen on Node 24 and 26 (lib/internal/event_target.js, nodejs/node#33507).
const DISPATCH = Symbol.for("nodejs.internal.kHybridDispatch");
const { postMessage: post, ref, start } = MessagePort.prototype;
const call = Function.prototype.call.bind(Function.prototype.call) as (
	method: unknown,
	self: MessagePort,
	...args: unknown[]
) => void;
