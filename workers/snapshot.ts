/**
 * The snapshot: what a worker sends of its metrics, as one buffer of newline-delimited JSON.
 *
 *     ["f", name, help, type]            a metric family begins; a fifth element 0 says that its `values` were no array
 *     ["s", [sample, sample, ...], n]    samples of that family, and how many they are: at most 64 a line
 *     ["x", families]                    the last line, when that many families did not fit into the limits
 *
 *     sample:   [labels, value, sampleName | 0, exemplar | 0, hasTimestamp 0 | 1], zeros at the end left out;
 *               null for a sample that could not be read
 *     labels:   [name, text, name, text, ...]; a number, their count, when they are too many to send; null when they
 *               could not be read. `name` and `text` are a number, the length, for a string too long to send;
 *               [length, ""] stands for labels that are too long together. `text` is [] for a value that has no text,
 *               null for one that is not data (function, symbol, a getter that threw)
 *     value:    a number, or "NaN", "+Inf", "-Inf"; null for anything that is not a number
 *     exemplar: [labels, value, timestamp | 0], [] for one that cannot be read
 *
 * A module owns every object that is read here: getters throw, proxies lie, arrays claim to be endless. Each property is
 * read once, the smallest unit is given up, and what is written is bounded. The format carries no exposition text and
 * its reader (src/metrics/snapshot-reader.ts) trusts nothing in it, so a module that forged these bytes could send
 * false numbers of its own, which it can anyway, and nothing else.
 */

import { MAX_LABEL_NAME_LENGTH, MAX_LABEL_VALUE_LENGTH, MAX_LABELS, MAX_LABELS_BYTES } from "./label-caps.ts";
import { SnapshotWriter } from "./snapshot-writer.ts";

/** Limits of one snapshot, counted while it is written. */
export interface SnapshotLimits {
	/** Size of the whole buffer. */
	readonly maxBytes: number;
	/** Samples and families together, those that cannot be read included. */
	readonly maxSamples: number;
}

export type EncodedSnapshot =
	| { readonly ok: true; readonly bytes: Uint8Array; readonly samples: number }
	| { readonly ok: false; readonly reason: "invalid_payload" | "payload_too_large"; readonly message: string };

/** What main accepts at most; a worker is given these, or less. */
export const DEFAULT_SNAPSHOT_LIMITS = {
	maxBytes: 16 * 1024 * 1024,
	maxSamples: 250_000,
} as const satisfies SnapshotLimits;

/** No line is longer than this, so that reading one never takes main long. */
export const MAX_LINE_BYTES = 256 * 1024;

/**
 * Encodes the families that `registry.getMetricsAsJSON()` gave, of each registry one list. Never throws. Families that
 * do not fit into the limits are left out whole, from the first one on that does not fit; the snapshot as a whole is
 * refused when one of the lists is no array, or when not even the first family fits.
 */
export function encodeSnapshot(lists: readonly unknown[], limits: SnapshotLimits): EncodedSnapshot {
	try {
		return encode(lists, limits);
	} catch {
		// Only a module that replaced the language's own methods gets here; it must not take the worker's runtime along.
		return { ok: false, reason: "invalid_payload", message: "the registry's snapshot could not be read" };
	}
}

// Modules share this realm and may replace what they like; the writer keeps what it needs from before they ran.
const { stringify } = JSON;
const { isArray } = Array;
const { min } = Math;
const { keys: keysOf } = Object;
const dateToString = Date.prototype.toString;
const { byteLength } = Buffer;

/** A bucket's or quantile's own label comes on top. */
const MAX_LABELS_SENT = MAX_LABELS + 1;
const MAX_NAME_CHARS = 256;
const MAX_HELP_CHARS = 4096;
const MAX_EXEMPLAR_LENGTH = 256;
const MAX_BYTES_PER_CHAR = 3;
const MAX_ARRAY_LENGTH = 2 ** 32 - 1;
const UNREADABLE = Symbol("unreadable");

interface List {
	readonly array: readonly unknown[];
	readonly length: number;
}

function encode(registries: readonly unknown[], limits: SnapshotLimits): EncodedSnapshot {
	const out = new SnapshotWriter(limits);
	let written = 0;
	let left = 0;
	for (const registry of registries) {
		const list = listOf(registry);
		if (list === undefined) {
			const message = "the registry's getMetricsAsJSON() did not return an array of metric families";
			return { ok: false, reason: "invalid_payload", message };
		}
		const fitted = left === 0 ? encodeFamilies(list, out) : 0;
		written += fitted;
		left += list.length - fitted;
	}
	if (written === 0 && left > 0) {
		return {
			ok: false,
			reason: "payload_too_large",
			message: `the first metric family alone passes ${limits.maxSamples} samples or ${limits.maxBytes} bytes`,
		};
	}
	if (left > 0) out.trailer(left);
	return { ok: true, bytes: out.bytes(), samples: out.samples };
}

/** How many of the families fitted. */
function encodeFamilies({ array, length }: List, out: SnapshotWriter): number {
	for (let index = 0; index < length; index++) {
		const mark = out.mark();
		encodeFamily(readIndex(array, index), out);
		if (!out.overflowed) continue;
		out.rollBack(mark);
		return index;
	}
	return length;
}

function encodeFamily(family: unknown, out: SnapshotWriter): void {
	if (typeof family !== "object" || family === null) return out.line('["f"]');
	const name = read(family, "name");
	const help = read(family, "help");
	const values = listOf(read(family, "values"));
	const head = `["f",${nameText(name)},${helpText(help)},${nameText(read(family, "type"))}`;
	out.line(values === undefined ? `${head},0]` : `${head}]`);
	if (values === undefined) return;
	for (let index = 0; index < values.length && !out.overflowed; index++) {
		out.sample(encodeSample(readIndex(values.array, index)));
	}
	out.endLine();
}

function encodeSample(sample: unknown): string {
	if (typeof sample !== "object" || sample === null) return "null";
	const labels = encodeLabels(read(sample, "labels"), MAX_LABELS_BYTES, MAX_LABEL_VALUE_LENGTH);
	const value = valueText(read(sample, "value"));
	const sampleName = read(sample, "metricName");
	const exemplar = encodeExemplar(read(sample, "exemplar"));
	const timestamp = read(sample, "timestamp");
	const hasTimestamp = timestamp !== undefined && timestamp !== null;
	if (hasTimestamp) return `[${labels},${value},${optionalName(sampleName)},${exemplar},1]`;
	if (exemplar !== "0") return `[${labels},${value},${optionalName(sampleName)},${exemplar}]`;
	if (sampleName !== undefined) return `[${labels},${value},${optionalName(sampleName)}]`;
	return `[${labels},${value}]`;
}

/** Label order is the module's; a value that is absent is left out, since an absent label and an empty one are the same. */
function encodeLabels(labels: unknown, maxBytes: number, maxValueChars: number): string {
	if (labels === undefined || labels === null) return "[]";
	if (typeof labels !== "object") return "null";
	let names: readonly string[];
	try {
		names = keysOf(labels);
	} catch {
		return "null";
	}
	if (names.length > MAX_LABELS_SENT) return String(names.length);
	let text = "";
	for (let index = 0; index < names.length; index++) {
		const name = names[index] as string;
		const value = labelText(read(labels, name), maxValueChars);
		if (value === undefined) continue;
		text += `${text === "" ? "" : ","}${quote(name, MAX_LABEL_NAME_LENGTH)},${value}`;
		if (isLonger(text, maxBytes)) return `[${text.length},""]`;
	}
	return `[${text}]`;
}

function labelText(value: unknown, maxChars: number): string | undefined {
	switch (typeof value) {
		case "string":
			return value.length > maxChars ? String(value.length) : stringify(value);
		case "number":
		case "boolean":
		case "bigint":
			return stringify(`${value}`);
		case "undefined":
			return undefined;
		case "object":
			return value === null ? undefined : dateText(value);
		default:
			return "null";
	}
}

function isLonger(text: string, maxBytes: number): boolean {
	return text.length * MAX_BYTES_PER_CHAR > maxBytes && byteLength(text) > maxBytes;
}

/** The text of a Date, whatever its realm and whatever was put on top of its methods; of any other object there is none. */
function dateText(value: object): string {
	try {
		return stringify(dateToString.call(value as Date));
	} catch {
		return "[]";
	}
}

function encodeExemplar(exemplar: unknown): string {
	if (exemplar === undefined || exemplar === null) return "0";
	if (typeof exemplar !== "object") return "[]";
	const labels = encodeLabels(read(exemplar, "labelSet"), MAX_EXEMPLAR_LENGTH, MAX_EXEMPLAR_LENGTH);
	const value = valueText(read(exemplar, "value"));
	const timestamp = read(exemplar, "timestamp");
	const time = timestamp === undefined || timestamp === null ? "0" : valueText(timestamp);
	return `[${labels},${value},${time}]`;
}

function valueText(value: unknown): string {
	if (typeof value !== "number") return "null";
	if (value - value === 0) return `${value}`;
	return value > 0 ? '"+Inf"' : value < 0 ? '"-Inf"' : '"NaN"';
}

function optionalName(name: unknown): string {
	return name === undefined ? "0" : nameText(name);
}

function nameText(name: unknown): string {
	return typeof name === "string" ? stringify(name.slice(0, MAX_NAME_CHARS)) : "null";
}

function helpText(help: unknown): string {
	return typeof help === "string" ? stringify(help.slice(0, MAX_HELP_CHARS)) : "null";
}

/** A label name as JSON, or its length when it is too long to be one. */
function quote(text: string, maxChars: number): string {
	return text.length > maxChars ? String(text.length) : stringify(text);
}

/** A property of somebody else's object; a getter or proxy that throws reads as something that is no data. */
function read(object: object, key: string): unknown {
	try {
		return (object as Record<string, unknown>)[key];
	} catch {
		return UNREADABLE;
	}
}

function readIndex(array: readonly unknown[], index: number): unknown {
	try {
		return array[index];
	} catch {
		return UNREADABLE;
	}
}

function listOf(value: unknown): List | undefined {
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
