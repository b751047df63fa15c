import { isRecord } from "../wire/json.ts";
import { MAX_LOG_FIELDS_LENGTH } from "../wire/messages.ts";
import { toWireError } from "../wire/wire-error.ts";

/**
 * The fields of a log line as JSON text, whatever a module gave: at most `MAX_FIELDS` of them, `MAX_DEPTH` deep, each text
 * and list cut, `MAX_LOG_FIELDS_LENGTH` in all. Never throws. What does not fit is left out and counted as `fields_dropped`.
 *
 * @returns undefined where there is nothing to write
 */
export function fieldsText(fields: unknown): string | undefined {
	try {
		return isRecord(fields) ? objectText(fields) : wrappedText(fields);
	} catch {
		return UNREADABLE_FIELDS; // a proxy that throws at all it is asked
	}
}

const MAX_FIELDS = 32;
const MAX_DEPTH = 4;
const MAX_ITEMS = 32;
const MAX_TEXT = 1024;
const MAX_KEY = 128;
const UNREADABLE_FIELDS = '{"fields_dropped":1}';
/** For the count of what was left out. */
const ROOM_FOR_COUNT = 40;

function wrappedText(value: unknown): string | undefined {
	const bounded = boundedOf(value, MAX_DEPTH);
	return bounded === undefined ? undefined : `{"value":${JSON.stringify(bounded)}}`;
}

function objectText(fields: object): string | undefined {
	if (fields instanceof Error) return objectText({ error: fields });
	const parts: string[] = [];
	let length = 2;
	let dropped = 0;
	for (const key of Object.keys(fields)) {
		const value = parts.length < MAX_FIELDS ? boundedOf(read(fields, key), MAX_DEPTH - 1) : undefined;
		if (value === undefined && parts.length < MAX_FIELDS) continue;
		const part = `${JSON.stringify(key.slice(0, MAX_KEY))}:${JSON.stringify(value)}`;
		if (parts.length >= MAX_FIELDS || length + part.length + 1 > MAX_LOG_FIELDS_LENGTH - ROOM_FOR_COUNT) {
			dropped++;
			continue;
		}
		length += part.length + 1;
		parts.push(part);
	}
	if (dropped > 0) parts.push(`"fields_dropped":${dropped}`);
	return parts.length === 0 ? undefined : `{${parts.join(",")}}`;
}

/** A value of JSON; undefined for what has none. */
function boundedOf(value: unknown, depth: number): unknown {
	switch (typeof value) {
		case "string":
			return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value;
		case "number":
			return Number.isFinite(value) ? value : String(value);
		case "boolean":
			return value;
		case "bigint":
			return String(value).slice(0, MAX_TEXT);
		case "object":
			return value === null ? null : boundedObject(value, depth);
		default:
			return undefined;
	}
}

function boundedObject(value: object, depth: number): unknown {
	try {
		if (value instanceof Error) return boundedError(value);
		if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
		if (value instanceof URL) return value.href.slice(0, MAX_TEXT);
		if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
		if (depth <= 0) return "[too deep]";
		if (Array.isArray(value)) {
			return value.slice(0, MAX_ITEMS).map((item: unknown) => boundedOf(item, depth - 1) ?? null);
		}
		const bounded: Record<string, unknown> = {};
		for (const key of Object.keys(value).slice(0, MAX_FIELDS)) {
			const member = boundedOf(read(value, key), depth - 1);
			if (member !== undefined)
				Object.defineProperty(bounded, key.slice(0, MAX_KEY), { value: member, enumerable: true });
		}
		return bounded;
	} catch {
		return "[unreadable]";
	}
}

/** Class, message, stack and causes, each short enough that other fields have room beside them. */
function boundedError(error: Error): unknown {
	const { causes, ...own } = toWireError(error);
	const cut = ({ stack, message, ...rest }: typeof own): object => ({
		...rest,
		message: message.slice(0, MAX_TEXT),
		...(stack !== undefined && { stack: stack.slice(0, MAX_TEXT) }),
	});
	return { ...cut(own), ...(causes !== undefined && { causes: causes.map(cut) }) };
}

function read(object: object, key: string): unknown {
	try {
		return Reflect.get(object, key);
	} catch {
		return "[unreadable]";
	}
}
