/**
 * A metric family whose every part has passed the rules of docs/metrics.md: plain data that can be written as exposition text as it is.
 */
import type { MetricType } from "./metric-names.ts";

export interface Exemplar {
	/** Exposition text without braces, like `LabelSet.text`. */
	readonly labels: string;
	readonly value: number;
	/** Seconds since the epoch. */
	readonly timestamp: number | undefined;
}

/** `labels` is the identity within the family: exposition text without braces and without `le` or `quantile`. */
export interface ValueSeries {
	readonly labels: string;
	value: number;
	readonly exemplar: Exemplar | undefined;
	/** When it began to count, in seconds since the epoch; only of counters. */
	readonly createdAt?: number;
}

/** Bounds rise and end in +Inf; counts are cumulative. */
export interface HistogramSeries {
	readonly labels: string;
	readonly bounds: readonly number[];
	readonly counts: number[];
	readonly exemplars: readonly (Exemplar | undefined)[] | undefined;
	sum: number;
	/** When it began to count, in seconds since the epoch. */
	readonly createdAt?: number;
}

export interface SummarySeries {
	readonly labels: string;
	readonly quantiles: readonly number[];
	readonly values: readonly number[];
	sum: number | undefined;
	count: number | undefined;
}

interface FamilyHead {
	readonly name: string;
	readonly help: string;
	/** Its values are totals of another system, which the module mirrors. */
	readonly mirrored?: boolean;
	/** A gauge that OpenMetrics has a type of its own for: facts as labels, always 1. The name ends in `_info`. */
	readonly isInfo?: boolean;
}

export type CheckedFamily = FamilyHead &
	(
		| { readonly type: "counter" | "gauge" | "untyped"; readonly series: ValueSeries[] }
		| { readonly type: "histogram"; readonly series: HistogramSeries[] }
		| { readonly type: "summary"; readonly series: SummarySeries[] }
	);

/** Takes the samples of one family as they come from a snapshot, drops what may not pass, and hands over the rest. */
export interface FamilyReader {
	readonly name: string;
	readonly help: string;
	readonly type: MetricType;
	/** Samples held so far: lines on the page. */
	readonly lines: number;
	add(sample: readonly unknown[]): void;
	/** The snapshot names this family once more: what it repeats from now on is a duplicate. */
	again(): void;
	/** Checks what can only be judged as a whole. Yields now and then, so that a caller can stop and go on later. */
	finish(): Generator<undefined, CheckedFamily>;
}

/** How often a loop over series yields: a few tens of microseconds of work. */
export const YIELD_EVERY = 64;

/** How many lines families have on the text page. */
export function linesOf(families: readonly CheckedFamily[]): number {
	let lines = 0;
	for (const family of families) {
		switch (family.type) {
			case "histogram":
				for (const { counts } of family.series) lines += counts.length + 2;
				break;
			case "summary":
				for (const { values, count } of family.series) lines += values.length + (count === undefined ? 0 : 2);
				break;
			default:
				lines += family.series.length;
		}
	}
	return lines;
}

/** A series as people write it, for an example of a drop. */
export function seriesText(name: string, labels: string): string {
	return labels === "" ? name : `${name}{${labels}}`;
}

/** A refused series as far as it can be told, whatever stands in it. */
export function refusedSeriesText(sampleName: unknown, labels: unknown): string {
	const name = typeof sampleName === "string" ? sampleName : "";
	if (!Array.isArray(labels)) return name;
	const shown: string[] = [];
	for (let at = 0; at < labels.length && at < MAX_SHOWN_LABELS * 2; at += 2) {
		shown.push(`${shortText(labels[at])}=${shortText(labels[at + 1])}`);
	}
	return `${name}{${shown.join(",")}}`;
}

const MAX_SHOWN_LABELS = 8;
const MAX_SHOWN_CHARS = 64;

function shortText(part: unknown): string {
	if (typeof part === "string") return JSON.stringify(part.slice(0, MAX_SHOWN_CHARS));
	return typeof part === "number" ? `(${part} characters)` : "(no text)";
}
