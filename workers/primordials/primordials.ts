import process from "node:process";
import { types } from "node:util";

/**
 * What the runtime calls after a module has come in. The module shares the realm and may replace any method of any
 * prototype: `Set.prototype.has` that always says yes would open every door, a setter for index 0 of all arrays would be
 * handed what goes to the host. So code that runs behind the lock uses these, taken before, and otherwise syntax alone:
 * `in`, indices, literals, `for` over a counter. Of an object that is not its own it defines properties and does not
 * assign them. What it only keeps lives in objects without a prototype.
 */

export const uncurry = <This, Args extends unknown[], Result>(
	method: (this: This, ...args: Args) => Result,
): ((self: This, ...args: Args) => Result) =>
	Function.prototype.call.bind(method) as (self: This, ...args: Args) => Result;

function getter(prototype: object, key: string): (self: never) => unknown {
	const get = Object.getOwnPropertyDescriptor(prototype, key)?.get;
	if (get === undefined) throw new Error(`this version of Node has no ${key} where the runtime looks for it`);
	return uncurry(get);
}

export const { apply, construct, deleteProperty, get: getProperty, ownKeys } = Reflect;
export const { create, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, keys, setPrototypeOf, values } =
	Object;
export const { from: arrayFrom, isArray } = Array;
export const { isSafeInteger } = Number;
export const { min } = Math;
export const { parse, stringify } = JSON;
export const { isAnyArrayBuffer, isArrayBuffer, isFloat64Array, isMap, isProxy, isUint8Array } = types;
export const { isView } = ArrayBuffer;
export const isInt32 = (value: unknown): value is number => typeof value === "number" && value === (value | 0);
export const isUint32 = (value: unknown): value is number => typeof value === "number" && value === value >>> 0;
const { isPromise } = types;
export const NativeError = Error;
export const { captureStackTrace } = Error;
export const NativePromise = Promise;
export const NativeProxy = Proxy;
export const NativeString = String;
export const nextTick: (callback: (...args: never[]) => unknown, ...args: unknown[]) => void = process.nextTick;
export const immediate: (callback: () => void) => NodeJS.Immediate = setImmediate;
export const cancelImmediate = clearImmediate;
/** By this way no hook of the loader is asked. */
export const { getBuiltinModule: getBuiltin } = process;
export const now = performance.now.bind(performance);

export const startsWith = uncurry<string, [string], boolean>(String.prototype.startsWith);
export const slice = uncurry<string, [number, number?], string>(String.prototype.slice);
export const test = uncurry<RegExp, [string], boolean>(RegExp.prototype.test);
export const indexOf = uncurry<string, [string], number>(String.prototype.indexOf);
export const lastIndexOf = uncurry<string, [string], number>(String.prototype.lastIndexOf);

const TYPED_ARRAY = Object.getPrototypeOf(Uint8Array.prototype) as object;
export const bufferOf = getter(TYPED_ARRAY, "buffer") as (self: Uint8Array) => ArrayBuffer;
export const lengthOf = getter(TYPED_ARRAY, "length") as (self: Uint8Array) => number;
const lengthOfTyped = getter(TYPED_ARRAY, "byteLength") as (self: object) => number;
const lengthOfDataView = getter(DataView.prototype, "byteLength") as (self: object) => number;
const { isDataView } = types;
/** How many bytes there are in a view of any kind. */
export const byteLengthOf = (view: object): number => (isDataView(view) ? lengthOfDataView(view) : lengthOfTyped(view));
export const bufferLengthOf = getter(ArrayBuffer.prototype, "byteLength") as (self: ArrayBuffer) => number;
export const setBytes = uncurry<Uint8Array, [Uint8Array, number], void>(Uint8Array.prototype.set);

export const { allocUnsafe, byteLength, from: bufferFrom } = Buffer;

const nativeThen = uncurry<Promise<unknown>, [unknown, unknown], Promise<unknown>>(Promise.prototype.then as never);
/** Without a class, `then` makes its promise of the language's own, and asks nobody. */
const NO_CLASS = { __proto__: null, value: undefined } as PropertyDescriptor;

/** `then`, whatever has become of it. The promise is the caller's own: it is changed. */
export function settled(
	promise: Promise<unknown>,
	onResult: ((value: never) => unknown) | undefined,
	onThrown?: (thrown: unknown) => unknown,
): Promise<unknown> {
	void defineProperty(promise, "constructor", NO_CLASS);
	return nativeThen(promise, onResult, onThrown);
}

/** Runs code that may be asynchronous, and calls one of the two with what comes of it: at once when it is not. */
export function settle<Result>(
	run: () => Result | Promise<Result>,
	onResult: (result: Result) => void,
	onThrown: (thrown: unknown) => void,
): void {
	let result: Result | Promise<Result>;
	try {
		result = run();
	} catch (thrown) {
		onThrown(thrown);
		return;
	}
	if (isPromise(result)) void settled(result, onResult, onThrown);
	else onResult(result);
}

export const NativeAbortController = AbortController;
export const signalOf = getter(AbortController.prototype, "signal") as (self: AbortController) => AbortSignal;
export const isAborted = getter(AbortSignal.prototype, "aborted") as (self: AbortSignal) => boolean;
export const abort = uncurry<AbortController, [unknown], void>(AbortController.prototype.abort);

export const listen = uncurry<EventTarget, [string, () => void], void>(EventTarget.prototype.addEventListener);
export const unlisten = uncurry<EventTarget, [string, () => void], void>(EventTarget.prototype.removeEventListener);

/** A list that no setter of `Array.prototype` hears of. It has indices and a length, and crosses a port as an array. */
export function createList<Item>(): Item[] {
	return setPrototypeOf([] as Item[], null) as Item[];
}

const ARRAY = Array.prototype;
/** The list as an ordinary array, for those that no module shares a realm with. */
export function arrayOf<Item>(list: Item[]): Item[] {
	return setPrototypeOf(list, ARRAY) as Item[];
}

/** A set of names or numbers that is asked with `in`. */
export type Names = Readonly<Record<string | number, true>>;

export function namesOf(names: readonly string[]): Names {
	const set = create(null) as Record<string, true>;
	for (let index = 0; index < names.length; index++) set[names[index] as string] = true;
	return set;
}

const WEAK = WeakMap.prototype;
export const NativeWeakMap = WeakMap;
export const weakGet = uncurry(WEAK.get) as <Value>(map: WeakMap<object, Value>, key: object) => Value | undefined;
export const weakSet = uncurry(WEAK.set) as <Value>(map: WeakMap<object, Value>, key: object, value: Value) => unknown;
