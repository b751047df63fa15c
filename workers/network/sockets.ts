import { EventEmitter } from "node:events";
import type * as dgramTypes from "node:dgram";
import net from "node:net";
import { guardNames } from "./names.ts";
import { createNetworkRule, type NetworkGrants, type NetworkRule, type Refusals } from "./network-rule.ts";
import {
	apply,
	defineProperty,
	getOwnPropertyDescriptor,
	getPrototypeOf,
	isArray,
	nextTick,
	ownKeys,
} from "../primordials/primordials.ts";

/**
 * Holds the network to what the policy grants, where every way to use it comes by: at the methods of Node's native TCP,
 * pipe and UDP handles. `net`, `tls`, `http`, `http2`, undici (`fetch`, `WebSocket`, `EventSource`) and `dgram` all end
 * there, redirects, each address of a happy-eyeballs race and a `lookup` of the module's own included; and so does who
 * takes the handle out of a socket and calls it itself. What an address belongs to is judged by what the host's resolver
 * said, not by what the module says (see `names.ts`).
 *
 * A refusal there is an error code of the system. So that people read our sentence instead, `Socket.connect` and
 * `Server.listen` look first at what they are asked.
 *
 * On Node 24 this is all there is; from Node 25 on a closed network is closed by the permission model as well.
 *
 * @returns what has to be done when `dgram` is first imported
 */
export function lockNetwork(denials: Refusals, grants: NetworkGrants): { lockDatagrams(dgram: object): void } {
	const rule = createNetworkRule(grants);
	const connected = captureConnect({ host: "a", port: 9 });
	const piped = captureConnect({ path: "/" });
	guardTcp(prototypeOf(connected.handle), connected.request, rule);
	guardPipes(prototypeOf(piped.handle), piped.request, rule);
	for (const handle of [connected.handle, piped.handle]) closeOpen(handle, denials);
	for (const name of ["_createServerHandle", "_TransferredBoundSocket", "BoundSocket"]) {
		if (name in net) fix(net, name, denials.stub(`net.${name}`));
	}
	if (rule.net === "listed") guardNames(denials, rule);
	if (rule.net === "none") closeGlobals(denials);
	if (rule.net === "none" && grants.unix.length === 0) {
		fix(net.Socket.prototype, "connect", denials.stub("net.Socket.connect", "net"));
		fix(net.Server.prototype, "listen", denials.stub("net.Server.listen", "net"));
	} else {
		explainConnect(denials, rule);
		explainListen(denials, rule);
	}
	return { lockDatagrams: (dgram) => lockDatagramHandles(dgram as typeof dgramTypes, denials, rule) };
}

/** A trusted library may hold them already, so the imports of the built-ins are not all there is. */
function closeGlobals(denials: Refusals): void {
	// To define WebSocket, as much as to look at it, loads undici: the 20 ms that this costs a worker without the network.
	for (const name of ["fetch", "WebSocket", "EventSource"]) {
		if (name in globalThis) fix(globalThis, name, denials.stub(name, "net"));
	}
}

type Native = (this: unknown, ...args: unknown[]) => unknown;
type Request = new () => object;

/** The codes of libuv for "permission denied" and "invalid argument", which Node makes the usual errors of. */
const EACCES = -13;
const EINVAL = -22;

function guardTcp(prototype: object, request: Request, rule: NetworkRule): void {
	for (const name of ["connect", "connect6"]) {
		guard(
			prototype,
			name,
			(original) =>
				function connect(this: unknown, req, address, port) {
					if (!isObject(req) || typeof address !== "string" || typeof port !== "number") return EINVAL;
					if (!rule.mayConnect(address, port)) return EACCES;
					return apply(original, this, [standIn(req, request), address, port]);
				},
		);
	}
	for (const name of ["bind", "bind6"]) {
		guard(
			prototype,
			name,
			(original) =>
				function bind(this: unknown, address, port, flags) {
					if (typeof address !== "string" || typeof port !== "number") return EINVAL;
					if (!rule.mayBind(port)) return EACCES;
					return apply(original, this, [address, port, typeof flags === "number" ? flags : 0]);
				},
		);
	}
	guard(
		prototype,
		"listen",
		(original) =>
			function listen(this: unknown, backlog) {
				if (rule.net !== "all") return EACCES;
				return apply(original, this, [typeof backlog === "number" ? backlog : 511]);
			},
	);
}

function guardPipes(prototype: object, request: Request, rule: NetworkRule): void {
	guard(
		prototype,
		"connect",
		(original) =>
			function connect(this: unknown, req, path) {
				if (!isObject(req)) return EINVAL;
				return rule.mayUseUnix(path) ? apply(original, this, [standIn(req, request), path]) : EACCES;
			},
	);
	guard(
		prototype,
		"bind",
		(original) =>
			function bind(this: unknown, path) {
				return rule.mayUseUnix(path) ? apply(original, this, [path]) : EACCES;
			},
	);
}

function guardUdp(prototype: object, rule: NetworkRule): void {
	for (const name of ["connect", "connect6"]) {
		guard(
			prototype,
			name,
			(original) =>
				function connect(this: unknown, address, port) {
					if (typeof address !== "string" || typeof port !== "number") return EINVAL;
					return rule.mayConnect(address, port) ? apply(original, this, [address, port]) : EACCES;
				},
		);
	}
	for (const name of ["send", "send6"]) {
		guard(
			prototype,
			name,
			(original) =>
				function send(this: unknown, ...args) {
					// Without an address it goes where the socket is connected to, which has been judged.
					if (args.length < 6) return apply(original, this, args);
					const [, , , port, address] = args;
					if (typeof address !== "string" || typeof port !== "number") return EINVAL;
					return rule.mayConnect(address, port) ? apply(original, this, args) : EACCES;
				},
		);
	}
	for (const name of ["bind", "bind6"]) {
		guard(
			prototype,
			name,
			(original) =>
				function bind(this: unknown, address, port, flags) {
					if (typeof address !== "string" || typeof port !== "number") return EINVAL;
					// Who sends is bound first, to a port that the system picks.
					if (rule.net === "none" || (rule.net === "listed" && port !== 0)) return EACCES;
					return apply(original, this, [address, port, typeof flags === "number" ? flags : 0]);
				},
		);
	}
}

/**
 * Puts a function in the place of a native method for good. With an accessor, since Node itself assigns to these names on
 * a handle (`handle.send = handle.send6`).
 */
function guard(prototype: object, name: string, make: (original: Native) => Native): void {
	const descriptor = getOwnPropertyDescriptor(prototype, name);
	if (descriptor?.configurable === false) return; // in force already
	const original: unknown = descriptor?.value;
	if (typeof original !== "function") throw new Error(MISSING);
	const guarded = make(original as Native);
	define(prototype, name, {
		get: () => guarded,
		set(this: object, value: unknown) {
			define(this, name, { value, writable: true, enumerable: true, configurable: true });
		},
		enumerable: true,
		configurable: false,
	});
}

/** The request that the native code is given: one of a module's own making could end the process. */
function standIn(given: object, request: Request): object {
	const own = new request();
	define(own, "oncomplete", {
		value: (status: unknown, handle: unknown, _own: unknown, readable: unknown, writable: unknown): unknown =>
			apply((given as { oncomplete: Native }).oncomplete, given, [status, handle, given, readable, writable]),
	});
	return own;
}

function isObject(value: unknown): value is object {
	return typeof value === "object" && value !== null;
}

interface Captured {
	readonly handle: object;
	readonly request: Request;
}

/**
 * A native handle and the class of its connect requests, from a socket that never connects: everything happens before
 * this returns, and the handle's own `connect` does nothing.
 */
function captureConnect(
	target: { readonly host: string; readonly port: number } | { readonly path: string },
): Captured {
	const socket = new net.Socket();
	// It is closed after the lock, when the module may have replaced what it inherits and would be handed it.
	socket.emit = () => false;
	let handle: object | undefined;
	let request: Request | undefined;
	defineProperty(socket, "_handle", {
		get: () => handle,
		set(value: object | undefined) {
			handle = value ?? handle;
			if (value == null) return;
			for (const name of ["connect", "connect6"]) {
				defineProperty(value, name, {
					value(made: object) {
						request = made.constructor as Request;
						return EACCES;
					},
				});
			}
		},
	});
	socket.connect({ ...target, autoSelectFamily: false, lookup: localLookup as never });
	if (handle === undefined || request === undefined) throw new Error(MISSING);
	return { handle, request };
}

function localLookup(_host: string, _options: unknown, callback: (...results: unknown[]) => void): void {
	callback(null, "127.0.0.1", 4);
}

function explainConnect(denials: Refusals, rule: NetworkRule): void {
	const { connect } = net.Socket.prototype;
	const normalize = normalizeArgs();
	replace(net.Socket.prototype, "connect", function connectOrSay(this: net.Socket, ...args: unknown[]) {
		const options = normalize(args);
		const refusal = options && refusalToConnect(options, denials, rule);
		if (refusal === undefined) return apply(connect, this, args) as unknown;
		// As when its host cannot be resolved.
		const lookup = (_host: string, _options: unknown, callback: (error: Error) => void): void =>
			nextTick(callback, refusal);
		return apply(connect, this, [{ ...options, path: undefined, host: "refused", port: 9, lookup }]) as unknown;
	});
}

function refusalToConnect({ path, host, port }: SocketTarget, denials: Refusals, rule: NetworkRule): Error | undefined {
	if (path !== undefined && path !== null && path !== "") {
		return typeof path !== "string" || rule.mayUseUnix(path) ? undefined : refusedUnix(denials, path);
	}
	if (rule.net === "all" || port === undefined) return undefined;
	const name = typeof host === "string" && host !== "" ? host : "localhost";
	const wanted = Number(port);
	const may = isIP(name) !== 0 ? rule.mayConnect(name, wanted) : rule.mayReach(name, wanted);
	if (may) return undefined;
	const place = `${isIP(name) === 6 ? `[${name}]` : name}:${wanted}`;
	return denials.error(`connect to ${place}`, rule.net === "none" ? "net" : "netList", place);
}

function explainListen(denials: Refusals, rule: NetworkRule): void {
	const { listen } = net.Server.prototype;
	const { emit } = EventEmitter.prototype;
	const normalize = normalizeArgs();
	replace(net.Server.prototype, "listen", function listenOrSay(this: net.Server, ...args: unknown[]) {
		const options = normalize(args);
		const refusal = options && refusalToListen(options, denials, rule);
		if (refusal === undefined) return apply(listen, this, args) as unknown;
		nextTick(() => apply(emit, this, ["error", refusal]));
		return this;
	});
}

function refusalToListen(
	{ path, port, fd, handle }: SocketTarget,
	denials: Refusals,
	rule: NetworkRule,
): Error | undefined {
	if (typeof path === "string") return rule.mayUseUnix(path) ? undefined : refusedUnix(denials, path);
	if (typeof fd === "number" || isObject(handle)) return undefined; // refused where it is opened
	if (rule.net !== "all") return denials.error("listen for connections", "net");
	return rule.mayBind(Number(port))
		? undefined
		: denials.error(`listen on port ${Number(port)}, which is the host's own`, "never");
}

function refusedUnix(denials: Refusals, path: string): Error {
	return denials.error(`use the unix socket ${path}`, "unix", path);
}

interface SocketTarget {
	readonly path?: unknown;
	readonly host?: unknown;
	readonly port?: unknown;
	readonly fd?: unknown;
	readonly handle?: unknown;
}

/** How Node reads the arguments of `connect` and `listen`. Undefined where it would throw: then it shall. */
function normalizeArgs(): (args: readonly unknown[]) => SocketTarget | undefined {
	const normalize = (net as unknown as { _normalizeArgs(args: readonly unknown[]): readonly [SocketTarget] })
		._normalizeArgs;
	return (args) => {
		try {
			// `net.connect` has read them before.
			const [options] = isArray(args[0]) ? (args[0] as unknown as readonly [SocketTarget]) : normalize(args);
			return isObject(options) ? options : undefined;
		} catch {
			return undefined;
		}
	};
}

/** By these the native code is reached. What was there is out of reach from then on, whatever a module puts in its place. */
function fix(object: object, name: string, value: unknown): void {
	const enumerable = getOwnPropertyDescriptor(object, name)?.enumerable ?? false;
	define(object, name, { value, writable: true, enumerable, configurable: true });
}

/** A module may have given every object a `get`, and with it every descriptor that inherits from `Object.prototype`. */
function define(object: object, key: PropertyKey, descriptor: PropertyDescriptor): void {
	defineProperty(object, key, { __proto__: null, ...descriptor } as PropertyDescriptor);
}

/** It says what is refused below anyway, so a module may replace it. */
function replace(object: object, name: string, value: unknown): void {
	defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}

/**
 * Of UDP, when `dgram` is first imported. As for streams, `open` takes any descriptor of the process: one that the module
 * opened itself is no exception, since the socket would close it behind the back of `lockFiles`.
 */
function lockDatagramHandles(dgram: typeof dgramTypes, denials: Refusals, rule: NetworkRule): void {
	const socket = dgram.createSocket("udp4");
	let state: { readonly handle?: object } | undefined;
	const keys = ownKeys(socket);
	for (let index = 0; index < keys.length; index++) {
		const key = keys[index] as symbol;
		if (typeof key === "symbol" && key.description === "state symbol") state = Reflect.get(socket, key) as typeof state;
	}
	closeOpen(state?.handle, denials);
	guardUdp(prototypeOf(state?.handle), rule);
	socket.close();
	if ("_createSocketHandle" in dgram) {
		fix(dgram, "_createSocketHandle", denials.stub("dgram._createSocketHandle"));
	}
}

/** Safe to call again. @throws when there is no such handle: better no module than one whose sockets are open */
export function closeOpen(handle: object | undefined, denials: Refusals): void {
	const prototype = prototypeOf(handle);
	if (!("open" in prototype)) throw new Error(MISSING);
	if (getOwnPropertyDescriptor(prototype, "open")?.configurable === false) return;
	fix(prototype, "open", denials.stub("a descriptor as a socket"));
}

function prototypeOf(handle: object | undefined): object {
	const prototype: unknown = handle === undefined ? undefined : getPrototypeOf(handle);
	if (!isObject(prototype)) throw new Error(MISSING);
	return prototype;
}

const { isIP } = net;
const MISSING = "this version of Node has no native handle where the sandbox looks for it";
