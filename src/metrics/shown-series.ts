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
	const special = SPECIAL_LABELS.get(lastWordOf(bytes.toString("latin1", span.start, span.body)));
	const found = new Set<string>();
	let done = 0;
	for (let start = span.body; start < span.end; ) {
		const end = bytes.indexOf(NEWLINE, start);
		found.add(labelsOf(bytes.toString("utf8", start, end), special));
		start = end + 1;
		if (++done % YIELD_EVERY === 0) yield;
	}
	return [...found];
}

const NEWLINE = 10;
/** By type. The writer puts it last, and its value is a number. */
const SPECIAL_LABELS: ReadonlyMap<string, RegExp> = new Map([
	["histogram", /(?:^|,)le="[^"\\]*"$/],
	["summary", /(?:^|,)quantile="[^"\\]*"$/],
]);

/** The head of a family ends in its type; what stands before, the help, is the module's to choose. */
function lastWordOf(head: string): string {
	return head.slice(head.lastIndexOf(" ") + 1, -1);
}

/** No line of the text format ends in anything but a value, and no value has a space in it. */
function labelsOf(line: string, special: RegExp | undefined): string {
	const sample = line.slice(0, line.lastIndexOf(" "));
	const brace = sample.indexOf("{");
	if (brace === -1) return "";
	const labels = sample.slice(brace + 1, -1);
	return special === undefined ? labels : labels.replace(special, "");
}
