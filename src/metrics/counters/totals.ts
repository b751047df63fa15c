/** The totals of one series, as numbers that can be added to those of another generation, or kept in a file. */
import type { CheckedFamily } from "../validate/family.ts";
import { addTotals } from "../validate/sample-values.ts";

export interface Totals {
	/** The bucket bounds: totals of another layout cannot be added. */
	readonly layout: string;
	readonly values: readonly number[];
	/** Which of the values never falls, so that falling means a reset: a sum of negative observations does fall. */
	readonly counts: number;
}

/** The types whose series have totals. */
export type TotalsType = Exclude<CheckedFamily["type"], "gauge" | "untyped">;

type Series = CheckedFamily["series"][number];

/** Undefined for a summary that has quantiles alone. */
export function readTotals(series: Series): Totals | undefined {
	if ("value" in series) return { layout: "", values: [series.value], counts: 0 };
	if ("counts" in series) {
		return { layout: series.bounds.join(), values: [...series.counts, series.sum], counts: series.counts.length - 1 };
	}
	const { count, sum } = series;
	return count === undefined || sum === undefined ? undefined : { layout: "", values: [count, sum], counts: 0 };
}

/** Adds, in place, what earlier generations had reached: values of the same layout. */
export function addBase(series: Series, base: readonly number[]): void {
	if ("value" in series) {
		series.value = addTotals(at(base, 0), series.value);
	} else if ("counts" in series) {
		const { counts } = series;
		for (let index = 0; index < counts.length; index++) counts[index] = at(counts, index) + at(base, index);
		series.sum = addTotals(at(base, counts.length), series.sum);
	} else {
		series.count = at(base, 0) + (series.count ?? 0);
		series.sum = addTotals(at(base, 1), series.sum ?? 0);
	}
}

/** Whether these can be the totals of a series: what is read from a file has been checked by nobody else. */
export function isTotals(type: TotalsType, layout: string, values: readonly number[]): boolean {
	switch (type) {
		case "counter":
			return layout === "" && values.length === 1 && at(values, 0) >= 0;
		case "summary":
			return layout === "" && values.length === 2 && isCount(at(values, 0)) && !Number.isNaN(values[1]);
		case "histogram": {
			const counts = values.slice(0, -1);
			const rises = counts.every((count, index) => isCount(count) && count >= at(counts, index - 1));
			return counts.length === layout.split(",").length && rises && !Number.isNaN(values.at(-1));
		}
	}
}

export function at(values: readonly number[], index: number): number {
	return values[index] ?? 0;
}

function isCount(value: number): boolean {
	return Number.isInteger(value) && value >= 0;
}
