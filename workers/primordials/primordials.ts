import process from "node:process";

/**
 * What the sandbox calls after a module has come in. The module shares the realm and may replace any method of any
 * prototype: `Set.prototype.has` that always says yes would open every door. So code that runs behind the lock uses
 * these, taken before, and otherwise syntax alone (`in`, indices, `for` over a counter), which calls nothing.
 */

export const uncurry = <This, Args extends unknown[], Result>(
	method: (this: This, ...args: Args) => Result,
): ((self: This, ...args: Args) => Result) =>
	Function.prototype.call.bind(method) as (self: This, ...args: Args) => Result;

export const { apply, construct, ownKeys } = Reflect;
export const { create, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, setPrototypeOf } = Object;
export const { from: arrayFrom, isArray } = Array;
export const { min } = Math;
export const { byteLength } = Buffer;
export const NativeError = Error;
export const { captureStackTrace } = Error;
export const NativePromise = Promise;
export const nextTick: (callback: (...args: never[]) => unknown, ...args: unknown[]) => void = process.nextTick;
export const now = performance.now.bind(performance);

export const startsWith = uncurry<string, [string], boolean>(String.prototype.startsWith);
export const slice = uncurry<string, [number, number?], string>(String.prototype.slice);
export const test = uncurry<RegExp, [string], boolean>(RegExp.prototype.test);
export const indexOf = uncurry<string, [string], number>(String.prototype.indexOf);
export const lastIndexOf = uncurry<string, [string], number>(String.prototype.lastIndexOf);
export const caught = uncurry<Promise<unknown>, [undefined, (thrown: unknown) => never], Promise<unknown>>(
	Promise.prototype.then as never,
);

/** A set of names or numbers that is asked with `in`. */
export type Names = Readonly<Record<string | number, true>>;

export function namesOf(names: readonly string[]): Names {
	const set = create(null) as Record<string, true>;
	for (let index = 0; index < names.length; index++) set[names[index] as string] = true;
	return set;
}
