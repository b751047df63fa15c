import { isArray, isSafeInteger, parse } from "../primordials/primordials.ts";

export function parseJson(text: string): unknown {
	try {
		return parse(text);
	} catch {
		return undefined;
	}
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === "object" && value !== null && !isArray(value);
}

/** A number of milliseconds that a timer can wait for. */
export function isDuration(value: unknown): value is number {
	return typeof value === "number" && value >= 1 && value <= 2 ** 31 - 1;
}

export function isId(value: unknown): value is number {
	return typeof value === "number" && isSafeInteger(value);
}

export function isText(value: unknown, maxLength: number): value is string {
	return typeof value === "string" && value.length <= maxLength;
}
