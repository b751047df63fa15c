import { type Kind, readSignatures, type Signature } from "./argument-kinds.ts";
import { NATIVE_METHODS } from "./native-methods.ts";
import type { Brands } from "./native-objects.ts";
import {
	apply,
	create,
	defineProperty,
	getOwnPropertyDescriptor,
	getPrototypeOf,
	keys,
	NativeWeakMap,
	weakGet,
	weakSet,
} from "../primordials/primordials.ts";

/** How a wrong call is refused. */
export interface HandleRefusals {
	/** @param act completes "the module may not …" */
	error(act: string, remedy: "never"): Error;
}

/** @param name of its methods in `native-methods.ts` */
export function guardNative(handle: object, name: string, denials: HandleRefusals): void {
	for (let each = parentOf(handle); each !== null && each !== Object.prototype; each = parentOf(each)) {
		guardMethods(each, name, denials);
		guardMethods(each, "AsyncWrap", denials);
		hideClass(each);
	}
}

/** Read before a module can change what reading uses. */
export const BRANDS = create(null) as Brands;
const SIGNATURES = create(null) as Record<string, Record<string, readonly Signature[]>>;
for (const [name, methods] of Object.entries(NATIVE_METHODS)) {
	const signatures = create(null) as Record<string, readonly Signature[]>;
	for (const [method, text] of Object.entries(methods)) signatures[method] = readSignatures(text, BRANDS);
	SIGNATURES[name] = signatures;
}

export function guardMethods(prototype: object, name: string, denials: HandleRefusals): void {
	const methods = SIGNATURES[name] ?? NO_METHODS;
	const names = keys(methods);
	for (let index = 0; index < names.length; index++) {
		const method = names[index] as string;
		const original: unknown = getOwnPropertyDescriptor(prototype, method)?.value;
		if (typeof original !== "function" || weakGet(isGuarded, original) === true) continue;
		const checked = check(original as Native, `${name}.${method}`, methods[method] as readonly Signature[], denials);
		weakSet(isGuarded, checked, true);
		put(prototype, method, checked);
	}
}

const NO_METHODS = create(null) as Record<string, readonly Signature[]>;
const isGuarded = new NativeWeakMap<object, true>();

export type Native = (this: unknown, ...args: unknown[]) => unknown;

function parentOf(object: object): object | null {
	return getPrototypeOf(object) as object | null;
}

/** Made without its arguments, or of the wrong ones, a native object ends the process as well. */
function hideClass(prototype: object): void {
	put(prototype, "constructor", undefined);
}

export function put(prototype: object, key: string, value: unknown): void {
	defineProperty(prototype, key, {
		__proto__: null,
		value,
		writable: true,
		enumerable: false,
		configurable: true,
	} as PropertyDescriptor);
}

function check(original: Native, name: string, ways: readonly Signature[], denials: HandleRefusals): Native {
	const isOnce = ways[0]?.isOnce === true;
	const called = new NativeWeakMap<object, true>();
	return function checked(this: unknown, ...args: unknown[]): unknown {
		let isRight = false;
		for (let index = 0; !isRight && index < ways.length; index++) isRight = matches(ways[index] as Signature, args);
		if (!isRight || (isOnce && weakGet(called, this as object) === true)) throw misuse(name, denials);
		const result = apply(original, this, args);
		if (isOnce) weakSet(called, this as object, true);
		return result;
	};
}

function matches({ kinds, least }: Signature, args: readonly unknown[]): boolean {
	if (args.length < least || args.length > kinds.length) return false;
	for (let index = 0; index < kinds.length; index++) if (!(kinds[index] as Kind)(args[index])) return false;
	return true;
}

export function misuse(name: string, denials: HandleRefusals): Error {
	return denials.error(`call ${name} of Node's native code in this way, which would end the process`, "never");
}
