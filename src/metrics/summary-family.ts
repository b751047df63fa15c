/**
 * Summaries: the quantiles, sum and count of one label set are one unit. docs/metrics.md, row 35.
 */
import type { CheckedFamily, FamilyReader, SummarySeries } from "./checked-family.ts";
import { refusedSeriesText, seriesText, YIELD_EVERY } from "./checked-family.ts";
import type { DropReason, DropSink } from "./drop-log.ts";
import type { LabelReader, LabelSet } from "./label-set.ts";
import { readBound, readValue } from "./sample-values.ts";

/** @param labels a reader whose special label is `quantile` */
export function createSummaryFamily(
	head: { readonly name: string; readonly help: string },
	labels: LabelReader,
	sink: DropSink,
): FamilyReader {
	const { name, help } = head;
	const sumName = `${name}_sum`;
	const countName = `${name}_count`;
	const groups = new Map<string, Group>();
	let lines = 0;
	let round = 0;

	return {
		name,
		help,
		type: "summary",
		get lines() {
			return lines;
		},
		add(sample) {
			const [wireLabels, wireValue, sampleName, wireExemplar, hasTimestamp] = sample;
			const part = partOf(sampleName);
			if (part === undefined) {
				return sink.drop("foreign_sample_name", name, refusedSeriesText(sampleName, wireLabels));
			}
			const set = labels.read(wireLabels);
			if (typeof set === "string") return sink.drop(set, name, refusedSeriesText(name, wireLabels));
			const known = groups.get(set.text);
			if (known !== undefined && known.round !== round) {
				return sink.drop("duplicate_series", name, seriesText(name, set.text));
			}
			lines++;
			if (hasTimestamp === 1) sink.warn("timestamp_ignored", name, seriesText(name, set.text));
			if (wireExemplar !== undefined && wireExemplar !== 0) {
				sink.drop("exemplar_invalid", name, seriesText(name, set.text));
			}
			let group = known;
			if (group === undefined) {
				group = {
					labels: set.text,
					quantiles: [],
					sum: undefined,
					count: undefined,
					broken: undefined,
					refused: undefined,
					extra: 0,
					round,
				};
				groups.set(set.text, group);
				if (set.misplaced) sink.warn("reserved_label", name, seriesText(name, set.text));
			}
			take(group, part, set, readValue(wireValue));
		},
		again() {
			round++;
		},
		*finish(): Generator<undefined, CheckedFamily> {
			const series: SummarySeries[] = [];
			let done = 0;
			for (const group of groups.values()) {
				group.broken ??= faultOf(group);
				if (group.broken === undefined) {
					const { labels: text, quantiles, sum, count } = group;
					series.push({
						labels: text,
						quantiles: quantiles.map(({ quantile }) => quantile),
						values: quantiles.map(({ value }) => value as number),
						sum,
						count,
					});
					if (group.extra > 0) sink.drop("duplicate_series", name, seriesText(name, text), group.extra);
				} else {
					sink.drop(group.refused ?? "summary_invalid", name, `${seriesText(name, group.labels)}: ${group.broken}`);
				}
				if (++done % YIELD_EVERY === 0) yield;
			}
			return { ...head, type: "summary", series };
		},
	};

	function partOf(sampleName: unknown): Part | undefined {
		switch (sampleName) {
			case undefined:
			case 0:
			case name:
				return "quantile";
			case sumName:
				return "sum";
			case countName:
				return "count";
			default:
				return undefined;
		}
	}

	function take(group: Group, part: Part, set: LabelSet, value: number | undefined): void {
		const { special, specialRefused } = set;
		if (specialRefused !== undefined) {
			group.refused ??= specialRefused;
			group.broken ??= "the value of the label quantile";
			return;
		}
		if (part === "quantile") {
			if (special === undefined) group.broken ??= "a quantile without the label quantile";
			else group.quantiles.push({ quantile: readBound(special), value });
			return;
		}
		if (special !== undefined) group.broken ??= `the label quantile on ${name}_${part}`;
		else if (group[part] !== undefined) group.extra++;
		else group[part] = value ?? Number.NaN;
	}
}

type Part = "quantile" | "sum" | "count";

interface Group {
	readonly labels: string;
	readonly quantiles: { readonly quantile: number; readonly value: number | undefined }[];
	sum: number | undefined;
	count: number | undefined;
	broken: string | undefined;
	/** Why it is refused, where that is more than being broken. */
	refused: DropReason | undefined;
	/** Samples of totals that came twice. */
	extra: number;
	/** How often the snapshot had named the family when this label set came first. */
	readonly round: number;
}

function faultOf({ quantiles, sum, count }: Group): string | undefined {
	quantiles.sort((one, other) => one.quantile - other.quantile);
	let previous: number | undefined;
	for (const { quantile, value } of quantiles) {
		if (!(quantile >= 0 && quantile <= 1)) return "a quantile that is not between 0 and 1";
		if (quantile === previous) return `two values for quantile ${quantile}`;
		if (value === undefined) return "a quantile whose value is no number";
		previous = quantile;
	}
	if (count !== undefined && !(Number.isInteger(count) && count >= 0)) return "a count that is no whole number";
	if (sum !== undefined && Number.isNaN(sum)) return "a sum that is no number";
	if ((sum === undefined) !== (count === undefined)) return "a sum or a count without the other";
	return undefined;
}
