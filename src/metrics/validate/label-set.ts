/**
 * One sample's labels: checked, put in one order and written as exposition text, which is also the series' identity.
 *
 * `{a="x|",b="y"}` and `{a="x",b="|y"}` are two texts, `{a=""}` and `{}` are one: the text is equal exactly when
 * Prometheus holds the label sets for equal. docs/metrics.md, rows 17 to 24, 42 and 46.
 */
import type { DropReason } from "../drops/drop-log.ts";

export interface LabelLimits {
	/** Most labels on a series. */
	readonly maxLabels: number;
	/** Longest label name and longest label value, in UTF-8 bytes. */
	readonly maxLabelLength: number;
}

export interface LabelSet {
	/** `a="x",b="y"` in order of name, escaped, without braces and without the special label. */
	readonly text: string;
	/** The value of the special label, as it came; undefined when it is not there, which an empty one is not. */
	readonly special: string | undefined;
	/** Why the special label's value is refused: whose sample this is can be told all the same. */
	readonly specialRefused: DropReason | undefined;
	/** A label that the text formats allow here and that means something else elsewhere. */
	readonly misplaced: boolean;
}

export interface LabelReader {
	/** The label set of a sample, or the reason why its series is refused. */
	read(wire: unknown): LabelSet | DropReason;
}

/**
 * Reads the label sets of one family.
 *
 * @param special the label that is taken out of the identity: `le` of a histogram, `quantile` of a summary
 * @param forced a label that every series gets, whatever the module says
 */
export function createLabelReader(
	limits: LabelLimits,
	special: "le" | "quantile" | undefined,
	forced?: { readonly name: string; readonly value: string },
): LabelReader {
	// Samples of one family nearly always name the same labels in the same order (a histogram's in two ways, with `le`
	// and without): names are checked and sorted once for each number of labels.
	const shapes = new Map<number, Shape>();

	return {
		read(wire) {
			if (typeof wire === "number") return "label_limit";
			if (!Array.isArray(wire) || wire.length % 2 !== 0) return "invalid_payload";
			if (wire.length / 2 > MAX_LABELS_READ) return "label_limit";
			let shape = shapes.get(wire.length);
			if (shape === undefined || !sameNames(shape, wire)) {
				const read = shapeOf(wire, limits, special, forced?.name);
				if (typeof read === "string") return read;
				shape = read;
				shapes.set(wire.length, shape);
			}
			return write(wire, shape, limits, forced?.value);
		},
	};
}

/** Labels that are known to be right (the host's own), as `LabelSet.text` has them. */
export function labelsText(labels: Readonly<Record<string, string>>): string {
	const entries = Object.entries(labels).filter(([, value]) => value !== "");
	entries.sort(([one], [other]) => (one < other ? -1 : 1));
	return entries.map(([name, value]) => `${name}="${escapeLabelValue(value)}"`).join();
}

/** Escapes a label value for both formats. */
function escapeLabelValue(value: string): string {
	return NEEDS_ESCAPE.test(value) ? value.replaceAll(ESCAPED, escapeOf) : value;
}

/** Whether a name may stand before a label value; `__` is Prometheus's own. */
function refusedLabelName(name: unknown, maxBytes: number): DropReason | undefined {
	if (typeof name === "number" || (typeof name === "string" && isLonger(name, maxBytes))) return "label_too_long";
	if (typeof name !== "string" || !LABEL_NAME.test(name)) return "invalid_label_name";
	return name.startsWith("__") ? "reserved_label" : undefined;
}

/** Why a label value that is no usable text is refused; see workers/snapshot/encode-snapshot.ts for what stands for what. */
function refusedLabelValue(value: unknown, maxBytes: number): DropReason | undefined {
	if (typeof value === "string") {
		if (isLonger(value, maxBytes)) return "label_too_long";
		return value.isWellFormed() ? undefined : "invalid_label_value";
	}
	if (typeof value === "number") return "label_too_long";
	return Array.isArray(value) ? "invalid_label_value" : "invalid_payload";
}

/** How the labels of a sample are arranged: which names, in which order to write them. */
interface Shape {
	readonly names: readonly string[];
	/** By name; `at` is the index of the value in the wire's array, or FORCED for the forced label. */
	readonly order: readonly { readonly at: number; readonly prefix: string; readonly misplaced: boolean }[];
	readonly specialAt: number;
}

const FORCED = -1;
const NONE = -1;
/** With the special one, and empty ones included, which count towards no limit; workers/snapshot/encode-snapshot.ts sends no more. */
const MAX_LABELS_READ = 129;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const NEEDS_ESCAPE = /[\\"\n]/;
const ESCAPED = /[\\"\n]/g;
const MAX_UTF8_BYTES_PER_CHAR = 3;

function shapeOf(
	wire: readonly unknown[],
	limits: LabelLimits,
	special: string | undefined,
	forced: string | undefined,
): Shape | DropReason {
	const names: string[] = [];
	const entries: { name: string; at: number }[] = [];
	let specialAt = NONE;
	for (let at = 0; at < wire.length; at += 2) {
		const name = wire[at];
		const refused = refusedLabelName(name, limits.maxLabelLength);
		if (refused !== undefined) return refused;
		const text = name as string;
		names.push(text);
		if (text === special) {
			if (specialAt !== NONE) return "invalid_label_name";
			specialAt = at + 1;
		} else if (text !== forced) {
			entries.push({ name: text, at: at + 1 });
		}
	}
	if (forced !== undefined) entries.push({ name: forced, at: FORCED });
	entries.sort((one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0));
	// A JavaScript object cannot name a label twice, forged bytes can.
	if (entries.some((entry, index) => entry.name === entries[index - 1]?.name)) return "invalid_label_name";
	const order = entries.map(({ name, at }) => ({
		at,
		prefix: `${name}="`,
		misplaced: name === "le" || name === "quantile",
	}));
	return { names, order, specialAt };
}

function sameNames(shape: Shape, wire: readonly unknown[]): boolean {
	const { names } = shape;
	if (names.length * 2 !== wire.length) return false;
	for (let index = 0; index < names.length; index++) {
		if (names[index] !== wire[index * 2]) return false;
	}
	return true;
}

function write(
	wire: readonly unknown[],
	shape: Shape,
	limits: LabelLimits,
	forcedValue: string | undefined,
): LabelSet | DropReason {
	let text = "";
	let count = 0;
	let misplaced = false;
	for (const { at, prefix, misplaced: isMisplaced } of shape.order) {
		const value = at === FORCED ? forcedValue : wire[at];
		const refused = refusedLabelValue(value, limits.maxLabelLength);
		if (refused !== undefined) return refused;
		if (value === "") continue;
		if (count === limits.maxLabels) return "label_limit";
		text += `${count === 0 ? "" : ","}${prefix}${escapeLabelValue(value as string)}"`;
		count++;
		misplaced ||= isMisplaced;
	}
	const value = shape.specialAt === NONE ? "" : wire[shape.specialAt];
	const specialRefused = refusedLabelValue(value, limits.maxLabelLength);
	const isThere = specialRefused === undefined && value !== "";
	return { text, special: isThere ? (value as string) : undefined, specialRefused, misplaced };
}

function escapeOf(character: string): string {
	return character === "\n" ? "\\n" : `\\${character}`;
}

function isLonger(text: string, maxBytes: number): boolean {
	if (text.length > maxBytes) return true;
	return text.length * MAX_UTF8_BYTES_PER_CHAR > maxBytes && Buffer.byteLength(text) > maxBytes;
}
