import { EventEmitter } from "node:events";
import { Duplex, Readable, Transform, Writable } from "node:stream";
import { callerPackage } from "./caller.ts";
import { adviceFor, type Remedy, type SandboxDto } from "./policy.ts";
import {
	defineProperty,
	getOwnPropertyDescriptor,
	getPrototypeOf,
	indexOf,
	NativeError,
	NativePromise,
	ownKeys,
	setPrototypeOf,
} from "../primordials/primordials.ts";

/** The code of every error that the sandbox throws into a module. */
const DENIED_CODE = "ERR_BULKHEAD_DENIED";

/** How the sandbox says no: the errors name the module, the thing, what would open it, and the package that asked. */
export interface Denials {
	/**
	 * @param act completes "the module may not …", as in `use process.kill`
	 * @param refusing the function that was called, whose caller is named when it is a package
	 */
	error(act: string, remedy: Remedy, path?: string, refusing?: unknown): Error;
	/**
	 * A function, or a class, to put in the place of one that is closed. Whatever is done without calling it goes on as
	 * before: importing it, extending it, `instanceof`, `promisify`, reading its name.
	 *
	 * @param name as in `process.kill`
	 * @param like what it takes the place of
	 */
	stub(name: string, remedy?: Remedy, like?: unknown): () => never;
}

export function createDenials(moduleId: string, policy: SandboxDto): Denials {
	const error: Denials["error"] = (act, remedy, path, refusing) => {
		const caller = refusing === undefined ? undefined : callerPackage(refusing);
		const asked = caller === undefined ? "" : `, as its package ${caller} does`;
		const denied = new NativeError(`${moduleId} may not ${act}${asked}: ${adviceFor(policy, remedy, path)}.`);
		// A definition, since a module may have put a setter for `code` where an assignment would find it.
		define(denied, "code", { value: DENIED_CODE, enumerable: true });
		return denied;
	};
	const stub: Denials["stub"] = (name, remedy = "never", like) => {
		const isAsync = indexOf(name, "promises.") !== -1;
		// An ordinary function, since classes are replaced too and `new` is to say the same.
		function denied(): never {
			const refusal = error(`use ${name}`, remedy, undefined, denied);
			// Whoever calls it may not expect that it throws at once, and a rejection that nobody hears ends the thread as well.
			if (isAsync && new.target === undefined) return rejected(refusal) as never;
			throw refusal;
		}
		if (typeof like === "function") takeShape(denied, like, (method) => stub(`${name}.${method}`, remedy));
		return denied;
	};
	return { error, stub };
}

/**
 * Gives a property another value. What was there before is out of reach from then on, so that it may stay a property like
 * any other: libraries put functions of their own in the place of `process.chdir` or `fs.close`.
 */
export function lockValue(object: object, key: PropertyKey, value: unknown): void {
	const enumerable = getOwnPropertyDescriptor(object, key)?.enumerable ?? false;
	define(object, key, { value, writable: true, enumerable, configurable: true });
}

/** A module may have given every object a `get`, and with it every descriptor that inherits from `Object.prototype`. */
function define(object: object, key: PropertyKey, descriptor: PropertyDescriptor): void {
	defineProperty(object, key, { __proto__: null, ...descriptor } as PropertyDescriptor);
}

/** A class keeps its methods, each of which refuses, and the class of Node's that it extends. */
function takeShape(denied: { prototype: object }, like: object, stub: (method: string) => unknown): void {
	const name: unknown = getOwnPropertyDescriptor(like, "name")?.value;
	define(denied, "name", { value: name, configurable: true });
	const prototype: unknown = getOwnPropertyDescriptor(like, "prototype")?.value;
	if (typeof prototype !== "object" || prototype === null) return;
	const keys = ownKeys(prototype);
	for (let index = 0; index < keys.length; index++) {
		const key = keys[index];
		if (typeof key !== "string" || key === "constructor") continue;
		const method: unknown = getOwnPropertyDescriptor(prototype, key)?.value;
		if (typeof method === "function") lockValue(denied.prototype, key, stub(key));
	}
	for (let each = getPrototypeOf(prototype) as object | null; each !== null; each = getPrototypeOf(each) as object) {
		if (isSharedParent(each)) return void setPrototypeOf(denied.prototype, each);
	}
}

/** Whether it is the prototype of a class that every module may have, and that leads to nothing native. */
function isSharedParent(prototype: object): boolean {
	for (let index = 0; index < SHARED.length; index++) if (SHARED[index] === prototype) return true;
	return false;
}

const SHARED: readonly object[] = [EventEmitter, Duplex, Transform, Readable, Writable, EventTarget].map(
	({ prototype }) => prototype as object,
);

function rejected(error: Error): Promise<never> {
	return new NativePromise((_resolve, reject) => reject(error));
}
