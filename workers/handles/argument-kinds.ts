import process from "node:process";
import {
	apply,
	isAnyArrayBuffer,
	getOwnPropertyDescriptor,
	getPrototypeOf,
	isArray,
	isInt32,
	byteLengthOf,
	isFloat64Array,
	isMap,
	isSafeInteger,
	isUint32,
	isView,
} from "../primordials/primordials.ts";

/** Whether a value is of the kind that native code relies on. It reads nothing that a module could answer for. */
export type Kind = (value: unknown) => boolean;

/**
 * The kinds by the letters that `native-methods.ts` writes them with. After a letter, `?` lets undefined pass and leaves
 * the argument out at the end;
 */
const KINDS: Readonly<Record<string, Kind>> = {
	__proto__: null as never,
	above: (value) => typeof value === "number" && value > 1,
	any: () => true,
	bool: (value) => typeof value === "boolean",
	buffer: isAnyArrayBuffer,
	code: (value) => isUint32(value) && value <= 3,
	count: (value) => typeof value === "bigint" || (isSafeInteger(value) && (value as number) >= 1),
	data: (value) => typeof value === "string" || isView(value),
	family: (value) => value === 2 || value === INET6,
	fn: (value) => typeof value === "function",
	int: isInt32,
	jwk: (value) => value === 2,
	list: isArray,
	map: isMap,
	none: (value) => value === null || value === undefined,
	num: (value) => typeof value === "number",
	obj: (value) => typeof value === "object" && value !== null,
	percent,
	percents: (value) => isFloatsOf(value, percent),
	prefix: (value) => isUint32(value) && value <= 128,
	raw: (value) => isUint32(value) && value >= 3 && value <= 5,
	share: (value) => typeof value === "number" && value > 0 && value < 1,
	shares: (value) => isFloatsOf(value, (each) => each >= 0 && each <= 1),
	step: (value) => isSafeInteger(value) && (value as number) >= 1,
	str: (value) => typeof value === "string",
	uint: isUint32,
	view: isView,
};

/** The number that the system has for IPv6. */
const INET6 = ({ darwin: 30, win32: 23, freebsd: 28 } as Partial<Record<string, number>>)[process.platform] ?? 10;

function percent(value: unknown): boolean {
	return typeof value === "number" && value > 0 && value <= 100;
}

function isFloatsOf(value: unknown, kind: (each: number) => boolean): boolean {
	if (!isFloat64Array(value) || byteLengthOf(value) > MAX_FLOAT_BYTES) return false;
	const length = byteLengthOf(value) / 8;
	for (let index = 0; index < length; index++) if (!kind(value[index] as number)) return false;
	return length >= 1;
}

/** More than Node itself ever hands over. */
const MAX_FLOAT_BYTES = 1 << 20;

/** A list of kinds. */
export interface Signature {
	readonly kinds: readonly Kind[];
	/** How many arguments there are at least. */
	readonly least: number;
	readonly isOnce: boolean;
}

/** @param brands kinds of native objects by their names, to be filled in before anything is called */
export function readSignatures(text: string, brands: Readonly<Record<string, Kind | undefined>>): readonly Signature[] {
	return text.split(" / ").map((each) => readOne(each, brands));
}

function readOne(text: string, brands: Readonly<Record<string, Kind | undefined>>): Signature {
	const isOnce = text.startsWith("once ");
	const list = isOnce ? text.slice("once ".length) : text;
	const words = list === "" ? [] : list.split(" ");
	const kinds = words.map((word) => readKind(word, brands));
	return { isOnce, kinds, least: words.findLastIndex((word) => !word.endsWith("?")) + 1 };
}

function readKind(word: string, brands: Readonly<Record<string, Kind | undefined>>): Kind {
	if (word.endsWith("?")) {
		const kind = readKind(word.slice(0, -1), brands);
		return (value) => value === undefined || kind(value);
	}
	if (word.includes("|")) {
		const kinds = word.split("|").map((each) => readKind(each, brands));
		return (value) => {
			for (let index = 0; index < kinds.length; index++) if ((kinds[index] as Kind)(value)) return true;
			return false;
		};
	}
	if (word.endsWith("[]")) {
		const kind = readKind(word.slice(0, -2), brands);
		return (value) => isListOf(value, kind);
	}
	return KINDS[word] ?? ((value) => brands[word]?.(value) === true);
}

/** Every element is a property of its own: native code reads them after this, when a getter could answer otherwise. */
function isListOf(value: unknown, kind: Kind): boolean {
	if (!isArray(value)) return false;
	for (let index = 0; index < value.length; index++) {
		const descriptor = getOwnPropertyDescriptor(value, index);
		if (descriptor === undefined || !("value" in descriptor) || !kind(descriptor.value)) return false;
	}
	return true;
}

/**
 * The kind "an object of this native class": V8 itself refuses a method whose receiver is not one, and a prototype says
 * nothing.
 *
 * @param sample one such object
 * @param method without arguments and without an effect
 */
export function brandOf(sample: object, method: string): Kind {
	const prototype = getPrototypeOf(sample) as object;
	const probe = getOwnPropertyDescriptor(prototype, method)?.value as () => unknown;
	if (typeof probe !== "function") throw new Error(`this version of Node has no ${method} to tell a native object by`);
	return (value) => {
		if (typeof value !== "object" || value === null) return false;
		try {
			apply(probe, value, NO_ARGUMENTS);
			return true;
		} catch {
			return false;
		}
	};
}

const NO_ARGUMENTS: readonly unknown[] = [];
