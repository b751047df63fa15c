import { type Denials, lockValue } from "./denial.ts";

/**
 * Closes what this realm has that reaches beyond it, and keeps the one thing that others than the module speak with: the
 * ports. The runtime's own is shielded (workers/primordials/shielded-port.ts); the pool's is used by Piscina, which posts by the name
 * and whose other end believes what comes. A method that a module put in the place of `postMessage`, or of what Node looks
 * up to deliver a message, would be called with that port as `this`.
 *
 * Hardly anything else is locked. What the runtime calls it has taken before (workers/primordials), so that a module may replace
 * every other method and global there is, as shims, polyfills, fake timers and promise libraries do. A frozen
 * prototype would forbid even to *assign* a property of the same name to another object, which `lodash` and every bundle of
 * webpack do.
 */
export function lockRealm(denials: Denials): void {
	keepPorts();
	// Node takes the length of typed arrays of its own this way, at every callback. It has no setter for anybody.
	const typedArray = parentOf(Uint8Array.prototype);
	Object.defineProperty(typedArray, "length", { configurable: false });
	for (const name of ["MessageChannel", "MessagePort"]) {
		lockValue(globalThis, name, denials.stub(name, "never", Reflect.get(globalThis, name)));
	}
	// Kept in files of the host's, or shared by all threads.
	for (const name of ["localStorage", "sessionStorage"]) {
		if (name in globalThis) lockValue(globalThis, name, undefined);
	}
	if ("locks" in Navigator.prototype) {
		Object.defineProperty(Navigator.prototype, "locks", { get: denials.stub("navigator.locks"), configurable: true });
	}
}

/** What a port inherits becomes its class's own, and that is frozen: the classes above it stay as they are for others. */
function keepPorts(): void {
	const { prototype } = MessagePort;
	for (let each = parentOf(prototype); each !== Object.prototype; each = parentOf(each)) {
		for (const key of Reflect.ownKeys(each)) {
			const descriptor = Object.getOwnPropertyDescriptor(each, key);
			if (Object.hasOwn(prototype, key) || descriptor === undefined) continue;
			Object.defineProperty(prototype, key, descriptor);
		}
	}
	Object.freeze(prototype);
}

const parentOf = (object: object): object => Object.getPrototypeOf(object) as object;
