/**
 * A strict reader of exposition text, written from the specifications and sharing nothing with the writer it judges.
 *
 * Prometheus forgives much: it keeps silent about duplicates and broken histograms. This reader forgives nothing: it
 * throws, with the line, at everything that the text format or OpenMetrics 1.0 does not allow.
 */
import assert from "node:assert/strict";

export interface ParsedSample {
	readonly name: string;
	readonly labels: ReadonlyMap<string, string>;
	readonly value: number;
	readonly exemplar?: {
		readonly labels: ReadonlyMap<string, string>;
		readonly value: number;
		readonly timestamp?: number;
	};
}

export interface ParsedFamily {
	readonly name: string;
	type: string;
	help?: string;
	unit?: string;
	readonly samples: ParsedSample[];
}

export type Syntax = "text" | "openmetrics";

/** All families of a page, by name; throws when the page is not one. */
export function parseStrictly(page: string, syntax: Syntax): ReadonlyMap<string, ParsedFamily> {
	const families = new Map<string, ParsedFamily>();
	let current: ParsedFamily | undefined;
	const lines = page.split("\n");
	assert.equal(lines.pop(), "", "the page ends in a line feed");
	if (syntax === "openmetrics") assert.equal(lines.pop(), "# EOF", "OpenMetrics ends in # EOF");
	for (const line of lines) {
		try {
			current = readLine(line, syntax, families, current);
		} catch (error) {
			throw new Error(`${(error as Error).message}\nin the line ${JSON.stringify(line)}`, { cause: error });
		}
	}
	for (const family of families.values()) checkFamily(family, syntax);
	checkNames(families, syntax);
	return families;
}

/** Every sample of a page as `name{label="value",...}` with its labels in order of name, and its value. */
export function seriesOf(families: ReadonlyMap<string, ParsedFamily>): Map<string, number> {
	const series = new Map<string, number>();
	for (const { samples } of families.values()) {
		for (const sample of samples) series.set(seriesKey(sample), sample.value);
	}
	return series;
}

export function seriesKey({ name, labels }: Pick<ParsedSample, "name" | "labels">): string {
	const sorted = [...labels].toSorted(([one], [other]) => (one < other ? -1 : 1));
	return sorted.length === 0
		? name
		: `${name}{${sorted.map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(",")}}`;
}

const SUFFIXES: Readonly<Record<Syntax, Readonly<Record<string, readonly string[]>>>> = {
	text: {
		counter: [""],
		gauge: [""],
		untyped: [""],
		histogram: ["_bucket", "_sum", "_count"],
		summary: ["", "_sum", "_count"],
	},
	openmetrics: {
		counter: ["_total", "_created"],
		gauge: [""],
		unknown: [""],
		info: ["_info"],
		histogram: ["_bucket", "_sum", "_count", "_created"],
		summary: ["", "_sum", "_count", "_created"],
	},
};

function readLine(
	line: string,
	syntax: Syntax,
	families: Map<string, ParsedFamily>,
	current: ParsedFamily | undefined,
): ParsedFamily {
	if (!line.startsWith("#")) return readSample(line, syntax, current);
	const [, kind, quoted, plain, rest] =
		/^# (HELP|TYPE|UNIT) (?:"((?:[^"\\]|\\.)+)"|(\S+))(?: (.*))?$/s.exec(line) ?? [];
	assert.ok(kind !== undefined, "a comment that is no metadata");
	const name = quoted ?? plain ?? "";
	if (plain !== undefined) assert.match(plain, /^[a-zA-Z_:][a-zA-Z0-9_:]*$/);
	let family = current;
	if (family?.name !== name) {
		assert.ok(!families.has(name), `the family ${name} comes in two blocks`);
		family = { name, type: "", samples: [] };
		families.set(name, family);
	}
	assert.equal(family.samples.length, 0, "metadata after samples");
	if (kind === "HELP") {
		assert.equal(family.help, undefined, "HELP twice");
		family.help = unescape(rest ?? "", syntax === "openmetrics" ? '\\"n' : "\\n", syntax === "openmetrics");
	} else if (kind === "TYPE") {
		assert.equal(family.type, "", "TYPE twice");
		assert.ok(rest !== undefined && Object.hasOwn(SUFFIXES[syntax], rest), `the type ${rest}`);
		family.type = rest;
	} else {
		assert.equal(syntax, "openmetrics", "UNIT in the text format");
		assert.ok(rest !== undefined && name.endsWith(`_${rest}`), `the unit ${rest} does not end the name ${name}`);
		family.unit = rest;
	}
	return family;
}

function readSample(line: string, syntax: Syntax, family: ParsedFamily | undefined): ParsedFamily {
	assert.ok(family !== undefined && family.type !== "", "a sample before its TYPE");
	const scanner = createScanner(line);
	const bare = scanner.match(/[a-zA-Z_:][a-zA-Z0-9_:]*/y);
	const { labels, quotedName } = scanner.at("{") ? readLabels(scanner) : { labels: new Map(), quotedName: undefined };
	assert.ok((bare === undefined) !== (quotedName === undefined), "a sample needs one name");
	const name = bare ?? quotedName ?? "";
	const value = readNumber(scanner);
	const exemplar = readExemplar(scanner, syntax);
	assert.ok(scanner.done(), "text after the value");
	const suffix = SUFFIXES[syntax][family.type]?.find((end) => name === `${family.name}${end}`);
	assert.ok(suffix !== undefined, `${name} is no sample of the ${family.type} ${family.name}`);
	if (exemplar !== undefined) assert.ok(suffix === "_total" || suffix === "_bucket", "an exemplar where none may be");
	family.samples.push({ name, labels, value, ...(exemplar === undefined ? {} : { exemplar }) });
	return family;
}

function readLabels(scanner: Scanner): { labels: Map<string, string>; quotedName: string | undefined } {
	const labels = new Map<string, string>();
	let quotedName: string | undefined;
	scanner.expect("{");
	while (!scanner.at("}")) {
		const quoted = scanner.match(/"(?:[^"\\\n]|\\.)*"/y);
		if (quoted !== undefined) {
			assert.equal(quotedName, undefined, "two names in the braces");
			quotedName = unescape(quoted.slice(1, -1), '\\"n', true);
		} else {
			const label = scanner.match(/[a-zA-Z_][a-zA-Z0-9_]*/y);
			assert.ok(label !== undefined, "a label name");
			assert.ok(!label.startsWith("__"), `the reserved label ${label}`);
			assert.ok(!labels.has(label), `the label ${label} twice`);
			scanner.expect("=");
			const value = scanner.match(/"(?:[^"\\\n]|\\.)*"/sy);
			assert.ok(value !== undefined, "a label value in quotes");
			labels.set(label, unescape(value.slice(1, -1), '\\"n', true));
		}
		if (!scanner.at("}")) scanner.expect(",");
	}
	scanner.expect("}");
	return { labels, quotedName };
}

function readNumber(scanner: Scanner): number {
	scanner.expect(" ");
	const text = scanner.match(/NaN|[+-]Inf|-?(?:\d+(?:\.\d+)?)(?:e[+-]\d+)?/y);
	assert.ok(text !== undefined, "a number");
	return text === "NaN" ? Number.NaN : text.endsWith("Inf") ? Number(`${text}inity`) : Number(text);
}

function readExemplar(scanner: Scanner, syntax: Syntax): ParsedSample["exemplar"] {
	if (scanner.done()) return undefined;
	assert.equal(syntax, "openmetrics", "an exemplar or timestamp in the text format");
	scanner.expect(" # ");
	const { labels, quotedName } = readLabels(scanner);
	assert.equal(quotedName, undefined, "a name in an exemplar");
	const characters = [...labels].reduce((sum, [name, value]) => sum + [...name].length + [...value].length, 0);
	assert.ok(characters <= 128, "an exemplar of more than 128 characters");
	const value = readNumber(scanner);
	if (scanner.done()) return { labels, value };
	const timestamp = readNumber(scanner);
	assert.ok(Number.isFinite(timestamp), "an exemplar's time");
	return { labels, value, timestamp };
}

function checkFamily(family: ParsedFamily, syntax: Syntax): void {
	const where = `in the family ${family.name}`;
	assert.notEqual(family.type, "", `no TYPE ${where}`);
	const seen = new Set<string>();
	for (const sample of family.samples) {
		const key = seriesKey({ name: sample.name, labels: withoutEmpty(sample.labels) });
		assert.ok(!seen.has(key), `the series ${key} twice ${where}`);
		seen.add(key);
		const isTotal = family.type === "counter" || (family.type === "histogram" && !sample.name.endsWith("_sum"));
		if (isTotal) assert.ok(sample.value >= 0, `a total that is negative or NaN ${where}`);
		const isPart = ["_sum", "_count", "_bucket"].some((suffix) => sample.name === `${family.name}${suffix}`);
		if (syntax === "openmetrics" && isPart) assert.ok(sample.value >= 0, `a ${sample.name} that is negative or NaN`);
	}
	if (family.type === "histogram")
		for (const group of groupsOf(family, "le").values()) checkHistogram(group, where, syntax);
	if (family.type === "summary")
		for (const group of groupsOf(family, "quantile").values()) checkSummary(group, where, syntax);
}

function checkHistogram({ parts, bounds }: Group, where: string, syntax: Syntax): void {
	assert.ok(bounds.length > 0, `no bucket ${where}`);
	let below = 0;
	let last = Number.NEGATIVE_INFINITY;
	for (const { bound, value } of bounds) {
		assert.ok(
			bound > last || (last === Number.NEGATIVE_INFINITY && bound === last),
			`bounds that do not rise ${where}`,
		);
		assert.ok(Number.isInteger(value) && value >= below, `buckets that are not cumulative ${where}`);
		last = bound;
		below = value;
	}
	assert.equal(last, Number.POSITIVE_INFINITY, `no +Inf bucket ${where}`);
	const isNegative = (bounds[0]?.bound ?? 0) < 0;
	if (syntax === "openmetrics" && isNegative)
		return assert.equal(parts.size, 0, `a sum or count of negative bounds ${where}`);
	assert.equal(parts.get("_count"), below, `a count that differs from +Inf ${where}`);
	const sum = parts.get("_sum");
	assert.ok(sum !== undefined && (isNegative || sum >= 0), `the sum ${sum} ${where}`);
}

function checkSummary({ parts, bounds }: Group, where: string, syntax: Syntax): void {
	for (const { bound, value } of bounds) {
		assert.ok(bound >= 0 && bound <= 1, `the quantile ${bound} ${where}`);
		if (syntax === "openmetrics") assert.ok(!(value < 0), `a negative quantile ${where}`);
	}
	const count = parts.get("_count");
	if (count !== undefined) assert.ok(Number.isInteger(count) && count >= 0, `the count ${count} ${where}`);
}

interface Group {
	readonly parts: Map<string, number>;
	readonly bounds: { readonly bound: number; readonly value: number }[];
}

/** The samples of each label set of a histogram or summary, in the order of the page. */
function groupsOf(family: ParsedFamily, special: string): ReadonlyMap<string, Group> {
	const groups = new Map<string, Group>();
	for (const { name, labels, value } of family.samples) {
		const rest = new Map(labels);
		const suffix = name.slice(family.name.length);
		if (suffix === "_created") continue;
		const isPart = suffix === "_sum" || suffix === "_count";
		if (!isPart) rest.delete(special);
		const key = seriesKey({ name: "", labels: rest });
		let group = groups.get(key);
		if (group === undefined) groups.set(key, (group = { parts: new Map(), bounds: [] }));
		if (isPart) {
			assert.ok(!group.parts.has(suffix), `${suffix} twice`);
			group.parts.set(suffix, value);
		} else {
			const text = labels.get(special);
			assert.ok(text !== undefined, `no label ${special} on ${name}`);
			assert.match(text, /^(?:[+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]\d+)?)$/);
			group.bounds.push({ bound: text.endsWith("Inf") ? Number(`${text}inity`) : Number(text), value });
		}
	}
	return groups;
}

/** OpenMetrics 1.0: no family may have a name that is a sample of another. */
function checkNames(families: ReadonlyMap<string, ParsedFamily>, syntax: Syntax): void {
	const owners = new Map<string, string>();
	for (const { name, type } of families.values()) {
		const names = new Set([name, ...(SUFFIXES[syntax][type] ?? []).map((suffix) => `${name}${suffix}`)]);
		for (const form of names) {
			assert.ok(!owners.has(form), `${form} is in the families ${name} and ${owners.get(form)}`);
			owners.set(form, name);
		}
	}
}

function withoutEmpty(labels: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
	return new Map([...labels].filter(([, value]) => value !== ""));
}

function unescape(text: string, allowed: string, isStrict: boolean): string {
	return text.replaceAll(/\\(.?)/gs, (escape, character: string) => {
		if (allowed.includes(character) && character !== "") return character === "n" ? "\n" : character;
		assert.ok(!isStrict, `the escape ${escape}`);
		return escape;
	});
}

interface Scanner {
	match(pattern: RegExp): string | undefined;
	at(text: string): boolean;
	expect(text: string): void;
	done(): boolean;
}

function createScanner(line: string): Scanner {
	let position = 0;
	return {
		match(pattern) {
			pattern.lastIndex = position;
			const found = pattern.exec(line)?.[0];
			position += found?.length ?? 0;
			return found;
		},
		at: (text) => line.startsWith(text, position),
		expect(text) {
			assert.ok(line.startsWith(text, position), `${JSON.stringify(text)} at column ${position}`);
			position += text.length;
		},
		done: () => position === line.length,
	};
}
