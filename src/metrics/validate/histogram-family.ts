/**
 * Histograms: the buckets, sum and count of one label set are one unit. docs/metrics.md, rows 29 to 34.
 *
 * A histogram with a broken bucket is served by Prometheus as wrong quantiles without a word, so the whole label set goes.
 */
import type { FamilyReader, HistogramSeries } from "./family.ts";
import { seriesText } from "./family.ts";
import type { DropSink } from "../drops/drop-log.ts";
import type { LabelReader } from "./label-set.ts";
import { createSampleGroups, type SampleGroup } from "./sample-groups.ts";

/** @param labels a reader whose special label is `le` */
export function createHistogramFamily(
	head: { readonly name: string; readonly help: string },
	labels: LabelReader,
	sink: DropSink,
): FamilyReader {
	const { name, help } = head;
	const bucketName = `${name}_bucket`;
	const groups = createSampleGroups(
		name,
		{ noun: "bucket", label: "le", hasExemplars: true, isPoint: (sampleName) => sampleName === bucketName },
		labels,
		sink,
	);
	let layout: string | undefined;

	return {
		name,
		help,
		type: "histogram",
		get lines() {
			return groups.lines;
		},
		add: groups.add,
		again: groups.again,
		*finish() {
			return { ...head, type: "histogram", series: yield* groups.finish("histogram_invalid", faultOf, seriesOf) };
		},
	};

	function seriesOf(group: SampleGroup): HistogramSeries {
		const { points } = group;
		const bounds = points.map(({ bound }) => bound);
		const own = bounds.join();
		if (own !== (layout ??= own)) sink.warn("bucket_layout_mismatch", name, seriesText(name, group.labels));
		return {
			labels: group.labels,
			bounds,
			counts: points.map(({ value }) => value as number),
			exemplars: points.some(({ exemplar }) => exemplar !== undefined)
				? points.map(({ exemplar }) => exemplar)
				: undefined,
			sum: group.sum as number,
		};
	}
}

function faultOf(group: SampleGroup): string | undefined {
	return bucketFault(group) ?? totalsFault(group);
}

/** Sorts the buckets, since their order on the wire means nothing. */
function bucketFault({ points }: SampleGroup): string | undefined {
	points.sort((one, other) => one.bound - other.bound);
	let below = 0;
	let previous: number | undefined;
	for (const { bound, value } of points) {
		if (Number.isNaN(bound)) return "a bucket whose le is no number";
		if (bound === previous) return `two buckets for le ${bound}`;
		if (value === undefined || !Number.isInteger(value) || value < 0) return "a bucket that is no whole number";
		if (value < below) return "buckets that are not cumulative";
		below = value;
		previous = bound;
	}
	return previous === Number.POSITIVE_INFINITY ? undefined : "no bucket for +Inf";
}

function totalsFault({ points, sum, count }: SampleGroup): string | undefined {
	if (count === undefined || sum === undefined) return "no sum or no count";
	if (count !== points.at(-1)?.value) return "a count that differs from the +Inf bucket";
	if (Number.isNaN(sum)) return "a sum that is no number";
	if (sum < 0 && !points.some(({ bound }) => bound < 0)) return "a negative sum without negative bounds";
	return undefined;
}
