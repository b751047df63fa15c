import { adviceFor, type Remedy, type SandboxDto } from "./policy.ts";
import {
	create,
	defineProperty,
	freeze,
	getOwnPropertyDescriptor,
	type Names,
	NativeError,
	ownKeys,
} from "./primordials.ts";

/** The code of every error that the sandbox throws into a module. */
const DENIED_CODE = "ERR_BULKHEAD_DENIED";

/** How the sandbox says no: the errors name the module, the thing, and what would open it. */
export interface Denials {
	/** @param act completes "the module may not …", as in `import node:vm` */
	error(act: string, remedy: Remedy, path?: string): Error;
	/** A function, or a class, to put in the place of one that is closed. @param name as in `process.kill` */
	stub(name: string, remedy?: Remedy): () => never;
}

export function createDenials(moduleId: string, policy: SandboxDto): Denials {
	const error: Denials["error"] = (act, remedy, path) => {
		const denied = new NativeError(`${moduleId} may not ${act}: ${adviceFor(policy, remedy, path)}.`);
		// A definition, since a module may have put a setter for `code` where an assignment would find it.
		defineProperty(denied, "code", { value: DENIED_CODE, enumerable: true });
		return denied;
	};
	return {
		error,
		stub(name, remedy = "never") {
			// An ordinary function, since classes are replaced too and `new` is to say the same.
			return freeze(function denied(): never {
				throw error(`use ${name}`, remedy);
			});
		},
	};
}

/** Gives a property its last value. @throws TypeError when it was locked before with another one */
export function lockValue(object: object, key: PropertyKey, value: unknown): void {
	const enumerable = getOwnPropertyDescriptor(object, key)?.enumerable ?? false;
	defineProperty(object, key, { value, writable: false, enumerable, configurable: false });
}

/** Locks a property as it is. Does nothing when the object does not have it itself. */
export function lockInPlace(object: object, key: PropertyKey): void {
	const descriptor = getOwnPropertyDescriptor(object, key);
	if (descriptor === undefined) return;
	const isData = "value" in descriptor;
	defineProperty(object, key, isData ? { writable: false, configurable: false } : { configurable: false });
}

/** Leaves of an object's functions and classes only those that are named; every other throws. */
export function closeAllBut(
	object: object,
	label: string,
	open: Names,
	denials: Denials,
	remedy: Remedy = "never",
): void {
	const keys = ownKeys(object);
	for (let index = 0; index < keys.length; index++) {
		const key = keys[index];
		if (typeof key !== "string" || key in open) continue;
		const descriptor = getOwnPropertyDescriptor(object, key);
		if (descriptor === undefined || !descriptor.configurable || isPlain(descriptor)) continue;
		lockValue(object, key, closed(descriptor.value, `${label}.${key}`, denials, remedy));
	}
}

/** Data is left as it is, since Node counts in some of it (`process._eventsCount`). */
function isPlain(descriptor: PropertyDescriptor): boolean {
	if (!("value" in descriptor)) return false;
	const value: unknown = descriptor.value;
	return value === null || (typeof value !== "object" && typeof value !== "function");
}

/** A stub for a function or an accessor; for an object, one for each of its own. */
function closed(value: unknown, label: string, denials: Denials, remedy: Remedy): unknown {
	if (typeof value !== "object" || value === null) return denials.stub(label, remedy);
	const stubs = create(null) as Record<string, unknown>;
	const keys = ownKeys(value);
	for (let index = 0; index < keys.length; index++) {
		const key = keys[index];
		if (typeof key === "string") stubs[key] = denials.stub(`${label}.${key}`, remedy);
	}
	return freeze(stubs);
}
