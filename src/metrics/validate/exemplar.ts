/**
 * Exemplars: OpenMetrics 1.0 "Exemplars", docs/metrics.md, row 44. A bad one costs itself, never its sample.
 */
import type { Exemplar } from "./family.ts";
import { createLabelReader } from "./label-set.ts";
import { readValue } from "./sample-values.ts";

/** The exemplar of a sample; undefined when what is there may not pass. */
export function readExemplar(wire: unknown): Exemplar | undefined {
	if (!isArray(wire)) return undefined;
	const [labels, wireValue, wireTimestamp] = wire;
	const set = createLabelReader(EXEMPLAR_LIMITS, undefined).read(labels);
	if (typeof set === "string" || charactersIn(labels) > MAX_CHARACTERS) return undefined;
	const value = readValue(wireValue);
	if (value === undefined || Number.isNaN(value)) return undefined;
	if (wireTimestamp === 0 || wireTimestamp === undefined) return { labels: set.text, value, timestamp: undefined };
	const timestamp = readValue(wireTimestamp);
	return timestamp !== undefined && Number.isFinite(timestamp) ? { labels: set.text, value, timestamp } : undefined;
}

/** OpenMetrics 1.0: the combined length of names and values "MUST NOT exceed 128 UTF-8 characters". */
const MAX_CHARACTERS = 128;
const EXEMPLAR_LIMITS = { maxLabels: MAX_CHARACTERS, maxLabelLength: 4 * MAX_CHARACTERS };

/** @param labels what the label reader has accepted: an array of texts */
function charactersIn(labels: unknown): number {
	let characters = 0;
	for (const part of labels as readonly string[]) characters += [...part].length;
	return characters;
}

/** `Array.isArray`, whose own answer is an array of `any`. */
function isArray(value: unknown): value is readonly unknown[] {
	return Array.isArray(value);
}
