/**
 * Histograms: the buckets, sum and count of one label set are one unit. docs/metrics.md, rows 29 to 34.
 *
 * A histogram with a broken bucket is served by Prometheus as wrong quantiles without a word, so the whole label set goes.
 */
import type { CheckedFamily, Exemplar, FamilyReader, HistogramSeries } from "./checked-family.ts";
import { refusedSeriesText, seriesText, YIELD_EVERY } from "./checked-family.ts";
import type { DropReason, DropSink } from "./drop-log.ts";
import { readExemplar } from "./exemplar.ts";
import type { LabelReader, LabelSet } from "./label-set.ts";
import { readBound, readValue } from "./sample-values.ts";

/** @param labels a reader whose special label is `le` */
export function createHistogramFamily(
	head: { readonly name: string; readonly help: string },
	labels: LabelReader,
	sink: DropSink,
): FamilyReader {
	const { name, help } = head;
	const bucketName = `${name}_bucket`;
	const sumName = `${name}_sum`;
	const countName = `${name}_count`;
	const groups = new Map<string, Group>();
	let lines = 0;
	let round = 0;

	return {
		name,
		help,
		type: "histogram",
		get lines() {
			return lines;
		},
		add(sample) {
			const [wireLabels, wireValue, sampleName, wireExemplar, hasTimestamp] = sample;
			const part = partOf(sampleName);
			if (part === undefined) {
				return sink.drop("foreign_sample_name", name, refusedSeriesText(sampleName ?? name, wireLabels));
			}
			const set = labels.read(wireLabels);
			if (typeof set === "string") return sink.drop(set, name, refusedSeriesText(name, wireLabels));
			const known = groups.get(set.text);
			if (known !== undefined && known.round !== round) {
				return sink.drop("duplicate_series", name, seriesText(name, set.text));
			}
			lines++;
			if (hasTimestamp === 1) sink.warn("timestamp_ignored", name, seriesText(name, set.text));
			let group = known;
			if (group === undefined) {
				group = {
					labels: set.text,
					buckets: [],
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
			take(group, part, set, readValue(wireValue), wireExemplar);
		},
		again() {
			round++;
		},
		*finish(): Generator<undefined, CheckedFamily> {
			const series: HistogramSeries[] = [];
			let layout: string | undefined;
			let done = 0;
			for (const group of groups.values()) {
				const checked = check(group);
				if (checked === undefined) {
					sink.drop(group.refused ?? "histogram_invalid", name, `${seriesText(name, group.labels)}: ${group.broken}`);
				} else {
					series.push(checked);
					if (group.extra > 0) sink.drop("duplicate_series", name, seriesText(name, group.labels), group.extra);
					const own = checked.bounds.join();
					if (own !== (layout ??= own)) sink.warn("bucket_layout_mismatch", name, seriesText(name, group.labels));
				}
				if (++done % YIELD_EVERY === 0) yield;
			}
			return { ...head, type: "histogram", series };
		},
	};

	function partOf(sampleName: unknown): Part | undefined {
		switch (sampleName) {
			case bucketName:
				return "bucket";
			case sumName:
				return "sum";
			case countName:
				return "count";
			default:
				return undefined;
		}
	}

	function take(group: Group, part: Part, set: LabelSet, value: number | undefined, wireExemplar: unknown): void {
		const exemplar = exemplarOf(part, set, wireExemplar);
		if (set.specialRefused !== undefined) {
			group.refused ??= set.specialRefused;
			group.broken ??= "the value of the label le";
			return;
		}
		if (part === "bucket") {
			if (set.special === undefined) group.broken ??= "a bucket without the label le";
			else group.buckets.push({ bound: readBound(set.special), count: value, exemplar });
			return;
		}
		if (set.special !== undefined) {
			group.broken ??= `the label le on ${name}_${part}`;
		} else if (group[part] !== undefined) {
			// The same sum or count once more is the same histogram once more: the first one stands.
			group.extra++;
		} else {
			group[part] = value ?? Number.NaN;
		}
	}

	function exemplarOf(part: Part, set: LabelSet, wire: unknown): Exemplar | undefined {
		if (wire === undefined || wire === 0) return undefined;
		const exemplar = part === "bucket" ? readExemplar(wire) : undefined;
		if (exemplar === undefined) sink.drop("exemplar_invalid", name, seriesText(name, set.text));
		return exemplar;
	}
}

type Part = "bucket" | "sum" | "count";

interface Bucket {
	readonly bound: number;
	readonly count: number | undefined;
	readonly exemplar: Exemplar | undefined;
}

interface Group {
	readonly labels: string;
	readonly buckets: Bucket[];
	sum: number | undefined;
	count: number | undefined;
	/** Why the label set is refused, in words. */
	broken: string | undefined;
	/** Why it is refused, where that is more than being broken. */
	refused: DropReason | undefined;
	/** Samples of totals that came twice. */
	extra: number;
	/** How often the snapshot had named the family when this label set came first. */
	readonly round: number;
}

function check(group: Group): HistogramSeries | undefined {
	group.broken ??= bucketFault(group) ?? totalsFault(group);
	if (group.broken !== undefined) return undefined;
	const { labels, buckets } = group;
	return {
		labels,
		bounds: buckets.map(({ bound }) => bound),
		counts: buckets.map(({ count }) => count as number),
		exemplars: buckets.some(({ exemplar }) => exemplar !== undefined)
			? buckets.map(({ exemplar }) => exemplar)
			: undefined,
		sum: group.sum as number,
	};
}

/** Sorts the buckets, since their order on the wire means nothing. */
function bucketFault({ buckets }: Group): string | undefined {
	buckets.sort((one, other) => one.bound - other.bound);
	let below = 0;
	let previous: number | undefined;
	for (const { bound, count } of buckets) {
		if (Number.isNaN(bound)) return "a bucket whose le is no number";
		if (bound === previous) return `two buckets for le ${bound}`;
		if (count === undefined || !Number.isInteger(count) || count < 0) return "a bucket that is no whole number";
		if (count < below) return "buckets that are not cumulative";
		below = count;
		previous = bound;
	}
	return previous === Number.POSITIVE_INFINITY ? undefined : "no bucket for +Inf";
}

function totalsFault({ buckets, sum, count }: Group): string | undefined {
	if (count === undefined || sum === undefined) return "no sum or no count";
	if (count !== buckets.at(-1)?.count) return "a count that differs from the +Inf bucket";
	if (Number.isNaN(sum)) return "a sum that is no number";
	if (sum < 0 && !buckets.some(({ bound }) => bound < 0)) return "a negative sum without negative bounds";
	return undefined;
}
