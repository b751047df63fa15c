import { type Denials, lockValue } from "./denial.ts";

/**
 * Locks what this realm shares between the module and the runtime that speaks to the host in its name.
 *
 * The ports: a method put in place of `postMessage` or `dispatchEvent` would be handed the port to the host, or the pool's
 * own, whose owner believes what comes from it. (Events are not in the way: a listener added with `on` is called without.) The few things that answering a request needs:
 * then a module that breaks everything else fails its own calls, and the runtime can still say so.
 *
 * It is that few on purpose. Freezing all intrinsics, as `--frozen-intrinsics` does, made plain loops over arrays several
 * times slower when measured, breaks polyfills, and protects the module from nobody but itself.
 */
export function lockRealm(denials: Denials): void {
	for (let each: object = MessagePort.prototype; each !== Object.prototype; each = parentOf(each)) {
		Object.freeze(each);
	}
	for (const [object, keys] of NEEDED) for (const key of keys) lockInPlace(object, key);
	for (const name of NEEDED_GLOBALS) lockInPlace(globalThis, name);
	// An own `then` there makes a promise of whatever is awaited, and `get` breaks every property descriptor.
	Object.preventExtensions(Object.prototype);
	for (const name of ["MessageChannel", "MessagePort"]) {
		lockValue(globalThis, name, denials.stub(name, "never", Reflect.get(globalThis, name)));
	}
	// Kept in files of the host's, or shared by all threads.
	for (const name of ["localStorage", "sessionStorage"]) {
		if (name in globalThis) lockValue(globalThis, name, undefined);
	}
	if ("locks" in Navigator.prototype) {
		Object.defineProperty(Navigator.prototype, "locks", { get: denials.stub("navigator.locks"), configurable: false });
	}
}

const parentOf = (object: object): object => Object.getPrototypeOf(object) as object;
const ITERATORS = [parentOf([].values()), parentOf(new Map().values())];

/** By the runtime between a request and its answer, and by Node, which takes the length of its own typed arrays. */
const NEEDED: readonly (readonly [object: object, keys: readonly PropertyKey[]])[] = [
	[Promise.prototype, ["then", "constructor"]],
	[Map.prototype, ["get", "set", "delete", "has", "size", "values", Symbol.iterator]],
	[Array.prototype, [Symbol.iterator, "push"]],
	...ITERATORS.map((prototype) => [prototype, ["next"]] as const),
	[Iterator.prototype, [Symbol.iterator]],
	[parentOf(Uint8Array.prototype), ["length"]],
	[String.prototype, ["slice"]],
	[AbortController.prototype, ["abort", "signal"]],
	[AbortSignal.prototype, ["aborted", "reason"]],
	[JSON, ["parse", "stringify"]],
	[Object, ["assign", "create", "defineProperty", "freeze", "getOwnPropertyDescriptor", "getPrototypeOf", "keys"]],
	[Reflect, ["apply", "get", "ownKeys"]],
	[Array, ["from", "isArray"]],
	[Number, ["isSafeInteger"]],
	[Promise, ["all", "resolve", "reject", "withResolvers", Symbol.species]],
	[Function.prototype, ["call", "apply", "bind"]],
];

const NEEDED_GLOBALS: readonly string[] = [
	"AbortController",
	"AbortSignal",
	"Array",
	"Buffer",
	"Error",
	"JSON",
	"Map",
	"Number",
	"Object",
	"Promise",
	"Reflect",
	"Set",
	"String",
	"Uint8Array",
	"clearImmediate",
	"clearTimeout",
	"performance",
	"process",
	"queueMicrotask",
	"setImmediate",
	"setTimeout",
];

/** Locks a property as it is. Does nothing when the object does not have it itself. */
function lockInPlace(object: object, key: PropertyKey): void {
	const descriptor = Object.getOwnPropertyDescriptor(object, key);
	if (descriptor === undefined) return;
	const isData = "value" in descriptor;
	Object.defineProperty(object, key, isData ? { writable: false, configurable: false } : { configurable: false });
}
