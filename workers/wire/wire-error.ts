import {
	arrayOf,
	createList,
	getProperty,
	isArray,
	isProxy,
	min,
	NativeString,
	slice,
} from "../primordials/primordials.ts";

/**
 * An error as it crosses the wire. Plain data of a known size: nothing relies on a prototype, and whatever a module
 * throws (null, a proxy, an error whose getters throw, a message of 100 MB) becomes one of these.
 */
export interface WireErrorDto {
	readonly name: string;
	readonly message: string;
	readonly stack?: string;
	readonly code?: string;
	/** What brought it about: its `cause`, the cause of that, and of an AggregateError the errors; at most `MAX_CAUSES`. */
	readonly causes?: readonly WireCauseDto[];
}

export type WireCauseDto = Omit<WireErrorDto, "causes">;

/** The code of a start that fails because the module has not the shape of one: it would fail again however often. */
export const WRONG_SHAPE = "wrong_shape";

export function wrongShape(message: string): Error {
	return Object.assign(new Error(message), { code: WRONG_SHAPE });
}

/** Longest error text, in characters, that leaves a worker or is kept in main. */
export const MAX_ERROR_TEXT = 4096;
const MAX_ERROR_NAME = 128;
export const MAX_CAUSES = 5;

/** Turns anything thrown into a `WireErrorDto`. Reads each property once and never throws. */
export function toWireError(thrown: unknown): WireErrorDto {
	const causes = createList<WireCauseDto>();
	const seen = createList<unknown>();
	seen[0] = thrown;
	for (let at = 0; at < seen.length && at <= MAX_CAUSES; at++) addCauses(seen, seen[at]);
	for (let at = 1; at < seen.length; at++) causes[at - 1] = toWireCause(seen[at]);
	return { ...toWireCause(thrown), ...(causes.length > 0 && { causes: arrayOf(causes) }) };
}

/** Reads a `WireErrorDto` out of what a worker sent. Anything missing or of the wrong type is replaced. */
export function readWireError(value: unknown): WireErrorDto {
	if (typeof value !== "object" || value === null) return { name: "Error", message: "the worker sent no error" };
	const given = get(value, "causes");
	if (!isArray(given) || given.length === 0) return toWireCause(value);
	const causes = createList<WireCauseDto>();
	for (let at = 0; at < min(given.length, MAX_CAUSES); at++) causes[at] = toWireCause(given[at]);
	return { ...toWireCause(value), causes: arrayOf(causes) };
}

function toWireCause(thrown: unknown): WireCauseDto {
	if (typeof thrown !== "object" || thrown === null) {
		return { name: "Error", message: `${describeType(thrown)} was thrown: ${textOf(thrown)}` };
	}
	const name = text(thrown, "name", MAX_ERROR_NAME) ?? "Error";
	const message = text(thrown, "message", MAX_ERROR_TEXT) ?? "an object without a message was thrown";
	const stack = text(thrown, "stack", MAX_ERROR_TEXT);
	const code = text(thrown, "code", MAX_ERROR_NAME);
	return { name, message, ...(stack !== undefined && { stack }), ...(code !== undefined && { code }) };
}

/** Its `cause` and its `errors`, none of them twice. */
function addCauses(seen: unknown[], thrown: unknown): void {
	if (typeof thrown !== "object" || thrown === null) return;
	add(seen, get(thrown, "cause"));
	const errors = get(thrown, "errors");
	// A proxy of an array may throw whatever it is asked.
	if (isProxy(errors) || !isArray(errors)) return;
	for (let at = 0; at < min(errors.length, MAX_CAUSES); at++) add(seen, get(errors, at));
}

function add(seen: unknown[], cause: unknown): void {
	if (cause === undefined || seen.length > MAX_CAUSES) return;
	for (let at = 0; at < seen.length; at++) if (seen[at] === cause) return;
	seen[seen.length] = cause;
}

function text(object: object, key: string, maxLength: number): string | undefined {
	const value = get(object, key);
	return typeof value === "string" ? slice(value, 0, maxLength) : undefined;
}

function get(object: object, key: string | number): unknown {
	try {
		return getProperty(object, key);
	} catch {
		return undefined;
	}
}

function describeType(value: unknown): string {
	return value === null ? "null" : `a value of type ${typeof value}`;
}

function textOf(value: unknown): string {
	return typeof value === "function" ? "function" : slice(NativeString(value), 0, MAX_ERROR_TEXT);
}
