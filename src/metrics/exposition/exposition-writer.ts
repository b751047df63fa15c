/**
 * Writes checked families as exposition text: once per collection, into bytes that scrapes only join.
 *
 * Sources: prometheus.io/docs/instrumenting/exposition_formats (text 0.0.4 and 1.0.0) and OpenMetrics 1.0. Every byte
 * that a module influences is a name that matched a pattern, a number formatted here, or text that was escaped.
 */
import type { CheckedFamily, Exemplar, HistogramSeries, SummarySeries, ValueSeries } from "../validate/family.ts";
import { YIELD_EVERY } from "../validate/family.ts";
import { createByteWriter } from "./byte-writer.ts";
import type { MetricType } from "../validate/metric-names.ts";
import { escapedName, isLegacyName, openMetricsName, unitOf } from "../validate/metric-names.ts";
import { formatFloat, formatValue } from "../validate/sample-values.ts";

/** What a page can be written in: the syntax, and whether names outside of ASCII are quoted or escaped. */
export const PAGE_FORMATS = ["text", "text-utf8", "openmetrics", "openmetrics-utf8"] as const;
export type PageFormat = (typeof PAGE_FORMATS)[number];

/** For each the format that comes out the same where no name needs UTF-8. */
export const LEGACY_FORMATS = {
	text: "text",
	"text-utf8": "text",
	openmetrics: "openmetrics",
	"openmetrics-utf8": "openmetrics",
} as const satisfies Readonly<Record<PageFormat, PageFormat>>;

/** Where a family stands in the bytes of its module: head (HELP, TYPE, UNIT) from `start`, samples from `body`. */
export interface FamilySpan {
	readonly start: number;
	readonly body: number;
	readonly end: number;
}

export interface WrittenFamilies {
	/** In memory of their own. */
	readonly bytes: Buffer<ArrayBuffer>;
	/** By family name, in the order of the bytes. */
	readonly spans: ReadonlyMap<string, FamilySpan>;
}

export type WrittenFormats = Readonly<Record<PageFormat, WrittenFamilies>>;

/** Writes families in all formats; formats that come out the same are the same object. Yields now and then. */
export function* writeFamilies(families: readonly CheckedFamily[]): Generator<undefined, WrittenFormats> {
	const text = yield* writeFormat(families, "text");
	const openmetrics = yield* writeFormat(families, "openmetrics");
	if (families.every(({ name }) => isLegacyName(name))) {
		return { text, "text-utf8": text, openmetrics, "openmetrics-utf8": openmetrics };
	}
	return {
		text,
		"text-utf8": yield* writeFormat(families, "text-utf8"),
		openmetrics,
		"openmetrics-utf8": yield* writeFormat(families, "openmetrics-utf8"),
	};
}

/** What series were written as, in one format. */
export type SeriesTexts = WeakMap<CheckedFamily["series"][number], string>;

/**
 * Writes families in one format. Yields now and then.
 * @param known lines of series that are the same as before, and nothing is worked out for; those written now are added
 */
export function* writeFormat(
	families: readonly CheckedFamily[],
	format: PageFormat,
	known?: SeriesTexts,
): Generator<undefined, WrittenFamilies> {
	const out = createByteWriter();
	const spans = new Map<string, FamilySpan>();
	const isOpenMetrics = format === "openmetrics" || format === "openmetrics-utf8";
	const isUtf8 = format === "text-utf8" || format === "openmetrics-utf8";
	for (const family of families) {
		const start = out.position();
		const form = formOf(family, isOpenMetrics, isUtf8);
		out.write(headText(family, form));
		const body = out.position();
		let done = 0;
		const lines = linesOf(family, form);
		for (const series of family.series) {
			let text = known?.get(series);
			if (text === undefined) {
				text = lines(series);
				known?.set(series, text);
			}
			out.write(text);
			if (++done % YIELD_EVERY === 0) yield;
		}
		spans.set(family.name, { start, body, end: out.position() });
		yield;
	}
	return { bytes: out.bytes(), spans };
}

interface Form {
	/** The family's name in this format. */
	readonly name: string;
	readonly isOpenMetrics: boolean;
}

function formOf(family: CheckedFamily, isOpenMetrics: boolean, isUtf8: boolean): Form {
	const name = isUtf8 ? family.name : escapedName(family.name);
	if (isOpenMetrics && family.isInfo === true) return { name: name.replace(/_info$/, ""), isOpenMetrics };
	return { name: isOpenMetrics ? openMetricsName(name, family.type) : name, isOpenMetrics };
}

function headText({ type, help, isInfo }: CheckedFamily, { name, isOpenMetrics }: Form): string {
	const shown = isLegacyName(name) ? name : `"${name}"`;
	const unit = isOpenMetrics ? unitOf(name) : undefined;
	const helpLine = help === "" ? "" : `# HELP ${shown} ${escapeHelp(help, isOpenMetrics)}\n`;
	const unitLine = unit === undefined ? "" : `# UNIT ${shown} ${unit}\n`;
	return `${helpLine}# TYPE ${shown} ${isOpenMetrics && isInfo === true ? "info" : typeWord(type, isOpenMetrics)}\n${unitLine}`;
}

function typeWord(type: MetricType, isOpenMetrics: boolean): string {
	return type === "untyped" && isOpenMetrics ? "unknown" : type;
}

function escapeHelp(help: string, isOpenMetrics: boolean): string {
	const escaped = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
	return isOpenMetrics ? escaped.replaceAll('"', '\\"') : escaped;
}

/** The writer of one series' lines; what all series of the family share is worked out once. */
function linesOf(family: CheckedFamily, form: Form): (series: CheckedFamily["series"][number]) => string {
	switch (family.type) {
		case "histogram": {
			const lines = histogramLines(form);
			return (series) => lines(series as HistogramSeries);
		}
		case "summary": {
			const lines = summaryLines(form);
			return (series) => lines(series as SummarySeries);
		}
		default: {
			const sample = sampleName(form.name, valueSuffix(family, form));
			const created = createdLine(form);
			return (series) => {
				const { labels, value, exemplar, createdAt } = series as ValueSeries;
				return `${sample(labels)} ${formatValue(value)}${exemplarText(exemplar, form)}\n${created(labels, createdAt)}`;
			};
		}
	}
}

function valueSuffix({ type, isInfo }: CheckedFamily, { isOpenMetrics }: Form): string {
	if (!isOpenMetrics) return "";
	if (isInfo === true) return "_info";
	return type === "counter" ? "_total" : "";
}

/** The start of a counter or a histogram, by which a reader tells a reset from a fall. OpenMetrics alone has it. */
function createdLine(form: Form): (labels: string, createdAt: number | undefined) => string {
	const created = sampleName(form.name, "_created");
	return (labels, createdAt) =>
		createdAt === undefined || !form.isOpenMetrics ? "" : `${created(labels)} ${createdAt}\n`;
}

function histogramLines(form: Form): (series: HistogramSeries) => string {
	const bucket = sampleName(form.name, "_bucket");
	const sumName = sampleName(form.name, "_sum");
	const countName = sampleName(form.name, "_count");
	const boundText = boundTexts(form, "le");
	const created = createdLine(form);
	return ({ labels, bounds, counts, exemplars, sum, createdAt }) => {
		const prefix = labels === "" ? "" : `${labels},`;
		const les = boundText(bounds);
		let text = "";
		for (let index = 0; index < bounds.length; index++) {
			text += `${bucket(`${prefix}${les[index]}`)} ${counts[index]}${exemplarText(exemplars?.[index], form)}\n`;
		}
		// OpenMetrics 1.0, Histogram: no sum where bounds are negative, since it may fall; and no count without a sum.
		if (form.isOpenMetrics && (bounds[0] ?? 0) < 0) return text;
		return `${text}${sumName(labels)} ${formatValue(sum)}\n${countName(labels)} ${counts.at(-1)}\n${created(labels, createdAt)}`;
	};
}

function summaryLines(form: Form): (series: SummarySeries) => string {
	const quantileName = sampleName(form.name, "");
	const sumName = sampleName(form.name, "_sum");
	const countName = sampleName(form.name, "_count");
	const quantileText = boundTexts(form, "quantile");
	return ({ labels, quantiles, values, sum, count }) => {
		const prefix = labels === "" ? "" : `${labels},`;
		const texts = quantileText(quantiles);
		let text = "";
		for (let index = 0; index < quantiles.length; index++) {
			const value = values[index] ?? Number.NaN;
			// OpenMetrics 1.0, Summary: quantiles and sums of negative observations cannot be told in it.
			if (form.isOpenMetrics && value < 0) continue;
			text += `${quantileName(`${prefix}${texts[index]}`)} ${formatValue(value)}\n`;
		}
		if (sum !== undefined && !(form.isOpenMetrics && sum < 0)) text += `${sumName(labels)} ${formatValue(sum)}\n`;
		return count === undefined ? text : `${text}${countName(labels)} ${count}\n`;
	};
}

/** `name{labels}`; a name outside of the classic characters goes, quoted, into the braces. */
function sampleName(family: string, suffix: string): (labels: string) => string {
	const name = `${family}${suffix}`;
	if (isLegacyName(name)) return (labels) => (labels === "" ? name : `${name}{${labels}}`);
	return (labels) => (labels === "" ? `{"${name}"}` : `{"${name}",${labels}}`);
}

/** The `le` or `quantile` labels of a series; nearly always those of the series before. */
function boundTexts({ isOpenMetrics }: Form, label: string): (bounds: readonly number[]) => readonly string[] {
	let last: { readonly bounds: readonly number[]; readonly texts: readonly string[] } | undefined;
	return (bounds) => {
		if (last === undefined || !sameNumbers(last.bounds, bounds)) {
			const format = isOpenMetrics ? formatFloat : formatValue;
			last = { bounds, texts: bounds.map((bound) => `${label}="${format(bound)}"`) };
		}
		return last.texts;
	};
}

function sameNumbers(one: readonly number[], other: readonly number[]): boolean {
	if (one.length !== other.length) return false;
	for (let index = 0; index < one.length; index++) {
		if (one[index] !== other[index]) return false;
	}
	return true;
}

function exemplarText(exemplar: Exemplar | undefined, { isOpenMetrics }: Form): string {
	if (exemplar === undefined || !isOpenMetrics) return "";
	const time = exemplar.timestamp === undefined ? "" : ` ${exemplar.timestamp}`;
	return ` # {${exemplar.labels}} ${formatValue(exemplar.value)}${time}`;
}
