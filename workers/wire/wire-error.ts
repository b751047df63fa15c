/**
 * An error as it crosses the wire. Plain data of a known size: nothing relies on a prototype, and whatever a module
 * throws (null, a proxy, an error whose getters throw, a message of 100 MB) becomes one of these.
 */
export interface WireErrorDto {
	readonly name: string;
	readonly message: string;
	readonly stack?: string;
	readonly code?: string;
}

/** Longest error text, in characters, that leaves a worker or is kept in main. */
export const MAX_ERROR_TEXT = 4096;
const MAX_ERROR_NAME = 128;

/** Turns anything thrown into a `WireErrorDto`. Reads each property once and never throws. */
export function toWireError(thrown: unknown): WireErrorDto {
	if (typeof thrown !== "object" || thrown === null) {
		return { name: "Error", message: `${describeType(thrown)} was thrown: ${textOf(thrown)}` };
	}
	const name = property(thrown, "name", MAX_ERROR_NAME) ?? "Error";
	const message = property(thrown, "message", MAX_ERROR_TEXT) ?? "an object without a message was thrown";
	const stack = property(thrown, "stack", MAX_ERROR_TEXT);
	const code = property(thrown, "code", MAX_ERROR_NAME);
	return { name, message, ...(stack !== undefined && { stack }), ...(code !== undefined && { code }) };
}

/** Reads a `WireErrorDto` out of what a worker sent. Anything missing or of the wrong type is replaced. */
export function readWireError(value: unknown): WireErrorDto {
	const wire = toWireError(value);
	return typeof value === "object" && value !== null ? wire : { name: "Error", message: "the worker sent no error" };
}

function property(object: object, key: string, maxLength: number): string | undefined {
	try {
		const value: unknown = Reflect.get(object, key);
		return typeof value === "string" ? value.slice(0, maxLength) : undefined;
	} catch {
		return undefined;
	}
}

function describeType(value: unknown): string {
	return value === null ? "null" : `a value of type ${typeof value}`;
}

function textOf(value: unknown): string {
	return typeof value === "function" ? "function" : String(value).slice(0, MAX_ERROR_TEXT);
}
