/**
 * Reads objects that belong to a module: getters throw, proxies lie, arrays claim to be endless. Nothing here throws.
 */

/** An array and its length, read once. */
export interface List {
	readonly array: readonly unknown[];
	readonly length: number;
}

/** A property of somebody else's object; a getter or proxy that throws reads as something that is no data. */
export function read(object: object, key: string): unknown {
	try {
		return (object as Record<string, unknown>)[key];
	} catch {
		return UNREADABLE;
	}
}

export function readIndex(array: readonly unknown[], index: number): unknown {
	try {
		return array[index];
	} catch {
		return UNREADABLE;
	}
}

/** Undefined for anything that is no array, or does not say how long it is. */
export function listOf(value: unknown): List | undefined {
	try {
		if (!isArray(value)) return undefined;
		// A proxy of an array may say what it likes.
		const { length }: { readonly length: unknown } = value;
		return typeof length === "number"
			? { array: value, length: length > 0 ? min(length, MAX_ARRAY_LENGTH) : 0 }
			: undefined;
	} catch {
		return undefined;
	}
}

// Modules share this realm and may replace what they like: kept from before they ran.
const { isArray } = Array;
const { min } = Math;
const MAX_ARRAY_LENGTH = 2 ** 32 - 1;
const UNREADABLE = Symbol("unreadable");
