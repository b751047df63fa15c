/** The parts of a snapshot's lines (snapshot.ts says what stands for what), made of objects that belong to a module. */
import { MAX_LABEL_NAME_LENGTH, MAX_LABEL_VALUE_LENGTH, MAX_LABELS, MAX_LABELS_BYTES } from "./limits.ts";
import { read } from "./read-untrusted.ts";

/** A sample as a line of samples has it. */
export function encodeSample(sample: unknown): string {
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

/** A name as JSON, cut; null for what is no text. */
export function nameText(name: unknown): string {
	return typeof name === "string" ? stringify(name.slice(0, MAX_NAME_CHARS)) : "null";
}

/** A help text as JSON, cut; null for what is no text. */
export function helpText(help: unknown): string {
	return typeof help === "string" ? stringify(help.slice(0, MAX_HELP_CHARS)) : "null";
}

/** A label name as JSON, or its length when it is too long to be one. */
function quote(text: string, maxChars: number): string {
	return text.length > maxChars ? String(text.length) : stringify(text);
}

// Modules share this realm and may replace what they like: kept from before they ran.
const { stringify } = JSON;
const { keys: keysOf } = Object;
const dateToString = Date.prototype.toString;
const { byteLength } = Buffer;

/** A bucket's or quantile's own label comes on top. */
const MAX_LABELS_SENT = MAX_LABELS + 1;
const MAX_NAME_CHARS = 256;
const MAX_HELP_CHARS = 4096;
const MAX_EXEMPLAR_LENGTH = 256;
const MAX_BYTES_PER_CHAR = 3;
