/**
 * The series of a family that stand in written bytes, by their label text: they are found again in our own text when a
 * second module comes to the family, instead of being held in memory for every family all the time.
 */
import { YIELD_EVERY } from "./checked-family.ts";
import type { WrittenFormats } from "./exposition-writer.ts";

export function* shownSeries(written: WrittenFormats, family: string): Generator<undefined, readonly string[]> {
	const { bytes, spans } = written.text;
	const span = spans.get(family);
	if (span === undefined) return [];
	const isGrouped = GROUPED.test(bytes.toString("latin1", span.start, span.body));
	const found = new Set<string>();
	let done = 0;
	for (let start = span.body; start < span.end; ) {
		const end = bytes.indexOf(NEWLINE, start);
		found.add(labelsOf(bytes.toString("utf8", start, end), isGrouped));
		start = end + 1;
		if (++done % YIELD_EVERY === 0) yield;
	}
	return [...found];
}

const NEWLINE = 10;
const GROUPED = /^# TYPE \S+ (?:histogram|summary)$/m;
/** The writer puts it last, and its value is a number. */
const SPECIAL_LABEL = /,?(?:le|quantile)="[^"\\]*"$/;

/** No line of the text format ends in anything but a value, and no value has a space in it. */
function labelsOf(line: string, isGrouped: boolean): string {
	const sample = line.slice(0, line.lastIndexOf(" "));
	const brace = sample.indexOf("{");
	if (brace === -1) return "";
	const labels = sample.slice(brace + 1, -1);
	return isGrouped ? labels.replace(SPECIAL_LABEL, "") : labels;
}
