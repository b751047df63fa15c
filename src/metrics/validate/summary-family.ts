/**
 * Summaries: the quantiles, sum and count of one label set are one unit. docs/metrics.md, row 35.
 */
import type { FamilyReader, SummarySeries } from "./family.ts";
import type { DropSink } from "../drops/drop-log.ts";
import type { LabelReader } from "./label-set.ts";
import { createSampleGroups, type SampleGroup } from "./sample-groups.ts";

/** @param labels a reader whose special label is `quantile` */
export function createSummaryFamily(
	head: { readonly name: string; readonly help: string },
	labels: LabelReader,
	sink: DropSink,
): FamilyReader {
	const { name, help } = head;
	const isPoint = (sampleName: unknown): boolean => sampleName === undefined || sampleName === 0 || sampleName === name;
	const groups = createSampleGroups(
		name,
		{ noun: "quantile", label: "quantile", hasExemplars: false, isPoint },
		labels,
		sink,
	);

	return {
		name,
		help,
		type: "summary",
		get lines() {
			return groups.lines;
		},
		add: groups.add,
		again: groups.again,
		*finish() {
			return { ...head, type: "summary", series: yield* groups.finish("summary_invalid", faultOf, seriesOf) };
		},
	};
}

function seriesOf({ labels, points, sum, count }: SampleGroup): SummarySeries {
	return {
		labels,
		quantiles: points.map(({ bound }) => bound),
		values: points.map(({ value }) => value as number),
		sum,
		count,
	};
}

/** Sorts the quantiles, since their order on the wire means nothing. */
function faultOf({ points, sum, count }: SampleGroup): string | undefined {
	points.sort((one, other) => one.bound - other.bound);
	let previous: number | undefined;
	for (const { bound, value } of points) {
		if (!(bound >= 0 && bound <= 1)) return "a quantile that is not between 0 and 1";
		if (bound === previous) return `two values for quantile ${bound}`;
		if (value === undefined) return "a quantile whose value is no number";
		previous = bound;
	}
	if (count !== undefined && !(Number.isInteger(count) && count >= 0)) return "a count that is no whole number";
	if (sum !== undefined && Number.isNaN(sum)) return "a sum that is no number";
	if ((sum === undefined) !== (count === undefined)) return "a sum or a count without the other";
	return undefined;
}
