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
	const causes: WireCauseDto[] = [];
	const seen: unknown[] = [thrown];
	for (let at = 0; at < seen.length && causes.length < MAX_CAUSES; at++) {
		for (const cause of causesOf(seen[at])) {
			if (causes.length === MAX_CAUSES || seen.includes(cause)) continue;
			seen.push(cause);
			causes.push(toWireCause(cause));
		}
	}
	return { ...toWireCause(thrown), ...(causes.length > 0 && { causes }) };
}

/** Reads a `WireErrorDto` out of what a worker sent. Anything missing or of the wrong type is replaced. */
export function readWireError(value: unknown): WireErrorDto {
	if (typeof value !== "object" || value === null) return { name: "Error", message: "the worker sent no error" };
	const causes = get(value, "causes");
	if (!Array.isArray(causes) || causes.length === 0) return toWireCause(value);
	return { ...toWireCause(value), causes: (causes as readonly unknown[]).slice(0, MAX_CAUSES).map(toWireCause) };
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

function causesOf(thrown: unknown): readonly unknown[] {
	if (typeof thrown !== "object" || thrown === null) return [];
	const cause = get(thrown, "cause");
	const errors = firstOf(get(thrown, "errors"));
	return cause === undefined ? errors : [cause, ...errors];
}

/** A proxy of an array may throw whatever it is asked. */
function firstOf(errors: unknown): readonly unknown[] {
	try {
		return Array.isArray(errors)
			? Array.from({ length: MAX_CAUSES }, (_, at): unknown => errors[at]).filter(isSomething)
			: [];
	} catch {
		return [];
	}
}

function isSomething(value: unknown): boolean {
	return value !== undefined;
}

function text(object: object, key: string, maxLength: number): string | undefined {
	const value = get(object, key);
	return typeof value === "string" ? value.slice(0, maxLength) : undefined;
}

function get(object: object, key: string): unknown {
	try {
		return Reflect.get(object, key);
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
