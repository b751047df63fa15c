/**
 * The series of a family that stand in written bytes, by their label text: they are found again in our own text when a
 * second module comes to the family, instead of being held in memory for every family all the time.
 */
import { YIELD_EVERY } from "../validate/family.ts";
import type { MetricType } from "../validate/metric-names.ts";

/** @param samples of one family as the text page has them, without its head */
export function* shownSeries(samples: Uint8Array, type: MetricType): Generator<undefined, readonly string[]> {
	const bytes = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
	const special = SPECIAL_LABELS.get(type);
	const found = new Set<string>();
	let done = 0;
	for (let start = 0; start < bytes.length; ) {
		const end = bytes.indexOf(NEWLINE, start);
		found.add(labelsOf(bytes.toString("utf8", start, end), special));
		start = end + 1;
		if (++done % YIELD_EVERY === 0) yield;
	}
	return [...found];
}

const NEWLINE = 10;
/** The writer puts it last, and its value is a number. */
const SPECIAL_LABELS: ReadonlyMap<MetricType, RegExp> = new Map([
	["histogram", /(?:^|,)le="[^"\\]*"$/],
	["summary", /(?:^|,)quantile="[^"\\]*"$/],
]);

/** No line of the text format ends in anything but a value, and no value has a space in it. */
function labelsOf(line: string, special: RegExp | undefined): string {
	const sample = line.slice(0, line.lastIndexOf(" "));
	const brace = sample.indexOf("{");
	if (brace === -1) return "";
	const labels = sample.slice(brace + 1, -1);
	return special === undefined ? labels : labels.replace(special, "");
}
