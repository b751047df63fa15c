/**
 * The families that the host records itself. The labels of a series are written as text when it begins, and only its
 * numbers change afterwards: a tool call changes a dozen of them, and a scrape waits until they are on the page. A series
 * that has been handed out for a page changes no more, another takes its place, so that who has written its lines knows
 * them again.
 */
import type { CheckedFamily, HistogramSeries, ValueSeries } from "../validate/family.ts";
import type { CheckedSource } from "./host-source.ts";
import { labelsText } from "../validate/label-set.ts";
import type { MetricType } from "../validate/metric-names.ts";

export type Labels<Name extends string> = Readonly<Record<Name, string>>;

export interface HostCounter<Name extends string> {
	/** @param by not negative; 1 where left out */
	inc(labels: Labels<Name>, by?: number): void;
}

export interface HostGauge<Name extends string> {
	set(labels: Labels<Name>, value: number): void;
	/** @param series all that the family has from now on, each label set once: what is not among them is deleted */
	replace(series: readonly (readonly [labels: Labels<Name>, value: number])[]): void;
	/** @param by 1 where left out; negative to go down */
	inc(labels: Labels<Name>, by?: number): void;
	/**
	 * Counts one more, until what is returned is called once: it counts one less, and says whether the series is there yet.
	 * One that was removed meanwhile, even if another of that name began since, stays as it is.
	 */
	hold(labels: Labels<Name>): () => boolean;
}

export interface HostHistogram<Name extends string> {
	observe(labels: Labels<Name>, value: number): void;
}

/** The families of one host; each is made once, and `sources` has them all in the order of making. */
export interface HostFamilies {
	counter<const Name extends string = never>(name: string, help: string, labels?: readonly Name[]): HostCounter<Name>;
	gauge<const Name extends string = never>(name: string, help: string, labels?: readonly Name[]): HostGauge<Name>;
	/** @param bounds of the buckets, rising, without +Inf */
	histogram<const Name extends string = never>(
		name: string,
		help: string,
		bounds: readonly number[],
		labels?: readonly Name[],
	): HostHistogram<Name>;
	/** Facts as labels of one series that is always 1. @param name ends in `_info` */
	info(name: string, help: string, facts: Readonly<Record<string, string>>): void;
	readonly sources: readonly CheckedSource[];
	/** Deletes every series that has this value in one of these labels. */
	removeSeries(labelNames: readonly string[], value: string): void;
}

/** @param now milliseconds since the epoch: when a series begins */
export function createHostFamilies(now: () => number): HostFamilies {
	const createdAt = (): number => now() / 1000;
	const beginCounter = (labels: string): ValueSeries => ({ ...beginValue(labels), createdAt: createdAt() });
	const families: { readonly source: CheckedSource; remove(labelName: string, value: string): void }[] = [];

	return {
		counter(name, help, labelNames = []) {
			const table = createSeriesTable(labelNames, beginCounter, copyValue);
			add(name, "counter", table, () => ({ name, help, type: "counter", series: table.series() }));
			return {
				inc(labels, by = 1) {
					table.changed(labels).series.value += by;
				},
			};
		},
		gauge(name, help, labelNames = []) {
			const table = createSeriesTable(labelNames, beginValue, copyValue);
			add(name, "gauge", table, () => ({ name, help, type: "gauge", series: table.series() }));
			const set = (labels: Parameters<typeof table.changed>[0], value: number): void => {
				// What a module is like changes far more rarely than it is looked at.
				if (!Object.is(table.known(labels)?.series.value, value)) table.changed(labels).series.value = value;
			};
			return {
				set,
				replace(series) {
					for (const [labels, value] of series) set(labels, value);
					if (table.size() !== series.length) table.retain(series.map(([labels]) => labels));
				},
				inc(labels, by = 1) {
					table.changed(labels).series.value += by;
				},
				hold(labels) {
					const held = table.changed(labels);
					held.series.value += 1;
					return () => {
						if (table.known(labels) !== held) return false;
						table.changed(labels).series.value -= 1;
						return true;
					};
				},
			};
		},
		histogram(name, help, finiteBounds, labelNames = []) {
			const bounds = [...finiteBounds, Number.POSITIVE_INFINITY];
			const table = createSeriesTable(
				labelNames,
				(labels): HistogramSeries => ({
					labels,
					bounds,
					counts: bounds.map(() => 0),
					exemplars: undefined,
					sum: 0,
					createdAt: createdAt(),
				}),
				(series) => ({ ...series, counts: [...series.counts] }),
			);
			add(name, "histogram", table, () => ({ name, help, type: "histogram", series: table.series() }));
			return {
				observe(labels, value) {
					const { series } = table.changed(labels);
					series.sum += value;
					// Counts are cumulative.
					for (let index = bounds.length - 1; value <= (bounds[index] ?? Number.NaN); index--) {
						series.counts[index] = (series.counts[index] ?? 0) + 1;
					}
				},
			};
		},
		info(name, help, facts) {
			const series: ValueSeries[] = [{ ...beginValue(labelsText(facts)), value: 1 }];
			families.push({
				source: {
					families: [{ name, type: "gauge" }],
					version: () => 0,
					checked: () => [{ name, help, type: "gauge", isInfo: true, series }],
				},
				remove: () => undefined,
			});
		},
		get sources() {
			return families.map(({ source }) => source);
		},
		removeSeries(labelNames, value) {
			for (const { remove } of families) for (const labelName of labelNames) remove(labelName, value);
		},
	};

	function add(
		name: string,
		type: MetricType,
		table: Pick<SeriesTable<never, unknown>, "version" | "remove">,
		checked: () => CheckedFamily,
	): void {
		families.push({
			source: { families: [{ name, type }], version: table.version, checked: () => [checked()] },
			remove: table.remove,
		});
	}
}

interface SeriesTable<Name extends string, Series> {
	/** One row for a series for as long as it is there. */
	known(labels: Labels<Name>): SeriesRow<Series> | undefined;
	/** The row whose series is to be changed now, which begins where there is none. */
	changed(labels: Labels<Name>): SeriesRow<Series>;
	/** Another number after each change. */
	version(): number;
	/** These change no more. */
	series(): Series[];
	size(): number;
	/** Deletes all others. */
	retain(wanted: readonly Labels<Name>[]): void;
	remove(labelName: string, value: string): void;
}

interface SeriesRow<Series> {
	readonly series: Series;
}

function beginValue(labels: string): ValueSeries {
	return { labels, value: 0, exemplar: undefined };
}

function copyValue(series: ValueSeries): ValueSeries {
	return { ...series };
}

function createSeriesTable<Name extends string, Series>(
	labelNames: readonly Name[],
	begin: (labels: string) => Series,
	copy: (series: Series) => Series,
): SeriesTable<Name, Series> {
	const rows = new Map<string, { readonly labels: Labels<Name>; series: Series; isHandedOut: boolean }>();
	let version = 0;

	return {
		known: (labels) => rows.get(keyOf(labels)),
		changed(labels) {
			version++;
			const key = keyOf(labels);
			let row = rows.get(key);
			if (row === undefined) {
				row = { labels: { ...labels }, series: begin(labelsText(labels)), isHandedOut: false };
				rows.set(key, row);
			} else if (row.isHandedOut) {
				row.series = copy(row.series);
				row.isHandedOut = false;
			}
			return row;
		},
		version: () => version,
		series: () =>
			Array.from(rows.values(), (row) => {
				row.isHandedOut = true;
				return row.series;
			}),
		size: () => rows.size,
		retain(wanted) {
			const keys = new Set(wanted.map(keyOf));
			for (const key of rows.keys()) if (!keys.has(key) && rows.delete(key)) version++;
		},
		remove(labelName, value) {
			const own = labelNames.find((known) => known === labelName);
			if (own === undefined) return;
			for (const [key, { labels }] of rows) {
				if (labels[own] === value && rows.delete(key)) version++;
			}
		},
	};

	function keyOf(labels: Labels<Name>): string {
		let key = "";
		for (const name of labelNames) key += `${labels[name]}\n`;
		return key;
	}
}
