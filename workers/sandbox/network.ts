import type * as dgramTypes from "node:dgram";
import net from "node:net";
import { type Denials, lockValue } from "./denial.ts";
import { loadBuiltin } from "./closing.ts";
import { getOwnPropertyDescriptor, getPrototypeOf, ownKeys } from "../primordials/primordials.ts";

/**
 * Closes the network in JavaScript: all there is on Node 24, the second lock on Node 26, whose permission model denies it
 * below. Imports of the built-ins are refused elsewhere; this is for what is within reach without one: the globals,
 * undici's dispatcher (on a registered symbol), and a trusted library that has `http` already, as prom-client's
 * `Pushgateway` does. All of them connect through `Socket.prototype.connect`.
 */
export function closeNetwork(denials: Denials): void {
	// To define WebSocket, as much as to look at it, loads undici: the 20 ms that this costs a worker without the network.
	for (const name of ["fetch", "WebSocket", "EventSource"]) {
		if (name in globalThis) lockValue(globalThis, name, denials.stub(name, "net"));
	}
	lockValue(net.Socket.prototype, "connect", denials.stub("net.Socket.connect", "net"));
	lockValue(net.Server.prototype, "listen", denials.stub("net.Server.listen", "net"));
}

/**
 * Keeps an open network from descriptors: `new Socket({ fd })`, `listen({ fd })` and whatever else takes one end in
 * `open` of a native handle, and any socket leads to that handle. A descriptor that the module opened itself is no
 * exception: the socket would close it behind the back of `lockFiles`, which would take the number for the module's.
 */
export function lockStreamHandles(denials: Denials): void {
	for (const target of [{ host: "127.0.0.1", port: 9 }, { path: "/" }]) {
		const socket = new net.Socket();
		// It is closed after the lock, when the module may have replaced what it inherits and would be handed it.
		socket.emit = () => false;
		// The handle is made at once. For the address nothing happens before the next tick, and it is destroyed by then;
		// the path is a folder, to which nothing connects.
		socket.connect(target);
		closeOpen(handleOf(socket), denials);
		socket.destroy();
	}
	for (const name of ["_createServerHandle", "_TransferredBoundSocket", "BoundSocket"]) {
		if (name in net) lockValue(net, name, denials.stub(`net.${name}`));
	}
}

/** As `lockStreamHandles`, for UDP; when `dgram` is first imported. */
export function lockDatagramHandles(denials: Denials): void {
	const dgram = loadBuiltin("dgram") as typeof dgramTypes;
	const socket = dgram.createSocket("udp4");
	let state: { readonly handle?: object } | undefined;
	const keys = ownKeys(socket);
	for (let index = 0; index < keys.length; index++) {
		const key = keys[index] as symbol;
		if (typeof key === "symbol" && key.description === "state symbol") state = Reflect.get(socket, key) as typeof state;
	}
	closeOpen(state?.handle, denials);
	socket.close();
	if ("_createSocketHandle" in dgram) {
		lockValue(dgram, "_createSocketHandle", denials.stub("dgram._createSocketHandle"));
	}
}

function handleOf(socket: object): object | undefined {
	return (socket as { readonly _handle?: object | null })._handle ?? undefined;
}

/** Safe to call again. @throws when there is no such handle: better no module than one whose sockets are open */
export function closeOpen(handle: object | undefined, denials: Denials): void {
	const prototype: unknown = handle === undefined ? undefined : getPrototypeOf(handle);
	if (typeof prototype !== "object" || prototype === null || !("open" in prototype)) {
		throw new Error("this version of Node has no native handle where the sandbox looks for it");
	}
	if (getOwnPropertyDescriptor(prototype, "open")?.configurable === false) return;
	lockValue(prototype, "open", denials.stub("a descriptor as a socket"));
}
