/**
 * The families of the host's own metrics: each knows when it changed and whose series it holds. They are bumped several times
 * for each call and read once a scrape, so what an update costs is one look-up.
 */
import type { HostFamily, HostSource } from "./host-source.ts";

export type Labels<Name extends string> = Readonly<Record<Name, string>>;

export interface HostCounter<Name extends string> {
	/** @param by 1 where left out */
	inc(labels: Labels<Name>, by?: number): void;
}

export interface HostGauge<Name extends string> {
	set(labels: Labels<Name>, value: number): void;
	/** @param by 1 where left out; negative to go down */
	inc(labels: Labels<Name>, by?: number): void;
}

export interface HostHistogram<Name extends string> {
	observe(labels: Labels<Name>, value: number): void;
}

/** The families of one host; each is made once, and `sources` has them all in the order of making. */
export interface HostFamilies {
	counter<const Name extends string = never>(name: string, help: string, labels?: readonly Name[]): HostCounter<Name>;
	gauge<const Name extends string = never>(name: string, help: string, labels?: readonly Name[]): HostGauge<Name>;
	/** @param buckets upper bounds, ascending */
	histogram<const Name extends string = never>(
		name: string,
		help: string,
		buckets: readonly number[],
		labels?: readonly Name[],
	): HostHistogram<Name>;
	readonly sources: readonly HostSource[];
	/** Deletes every series that has this value in one of these labels. */
	removeSeries(labelNames: readonly string[], value: string): void;
}

export function createHostFamilies(): HostFamilies {
	const families: Family[] = [];

	function numbers<Name extends string>(
		name: string,
		help: string,
		type: "counter" | "gauge",
		labelNames: readonly Name[],
	): HostGauge<Name> {
		const series = createSeries(labelNames, (labels) => ({ labels, value: 0 }));
		families.push(familyOf({ name, help, type, labelNames }, series, (each) => [each]));
		return {
			inc(labels, by = 1) {
				series.of(labels).value += by;
				series.changed();
			},
			set(labels, value) {
				const own = series.of(labels);
				// Set to what it was: what a module is like changes far more rarely than it is looked at.
				if (own.value === value) return;
				own.value = value;
				series.changed();
			},
		};
	}

	return {
		counter: (name, help, labelNames = []) => numbers(name, help, "counter", labelNames),
		gauge: (name, help, labelNames = []) => numbers(name, help, "gauge", labelNames),
		histogram(name, help, buckets, labelNames = []) {
			const series = createSeries(labelNames, (labels) => ({
				labels,
				sum: 0,
				counts: [...buckets, Infinity].map(() => 0),
			}));
			families.push(
				familyOf({ name, help, type: "histogram", labelNames }, series, (each) => histogramValues(name, buckets, each)),
			);
			return {
				observe(labels, value) {
					const own = series.of(labels);
					let bucket = 0;
					while (bucket < buckets.length && value > (buckets[bucket] ?? Infinity)) bucket++;
					own.counts[bucket] = (own.counts[bucket] ?? 0) + 1;
					own.sum += value;
					series.changed();
				},
			};
		},
		get sources() {
			return families.map(({ source }) => source);
		},
		removeSeries(labelNames, value) {
			for (const { remove } of families) for (const labelName of labelNames) remove(labelName, value);
		},
	};
}

type Values = HostFamily["values"];

interface Family {
	readonly source: HostSource;
	remove(labelName: string, value: string): void;
}

interface SeriesOf<Name extends string, Series> {
	/** Made where there is none yet. */
	of(labels: Labels<Name>): Series;
	changed(): void;
	version(): number;
	all(): IterableIterator<Series>;
	remove(labelName: Name, value: string): void;
}

function createSeries<Name extends string, Series extends { readonly labels: Labels<Name> }>(
	labelNames: readonly Name[],
	make: (labels: Labels<Name>) => Series,
): SeriesOf<Name, Series> {
	const series = new Map<string, Series>();
	let version = 0;
	const keyOf = (labels: Labels<Name>): string => {
		let key = "";
		for (const labelName of labelNames) key += `${labels[labelName]}\n`;
		return key;
	};
	const of = (labels: Labels<Name>): Series => {
		const key = keyOf(labels);
		let own = series.get(key);
		if (own !== undefined) return own;
		own = make(labels);
		series.set(key, own);
		version++;
		return own;
	};
	// A family without labels shows its zero from the start, so that its first increment is seen as one.
	if (labelNames.length === 0) of({} as Labels<Name>);
	return {
		of,
		changed: () => void version++,
		version: () => version,
		all: () => series.values(),
		remove(labelName, value) {
			for (const [key, { labels }] of series) {
				if (labels[labelName] !== value) continue;
				series.delete(key);
				version++;
			}
		},
	};
}

function familyOf<Name extends string, Series>(
	{ name, help, type, labelNames }: FamilyHead<Name>,
	series: SeriesOf<Name, Series>,
	valuesOf: (series: Series) => Values,
): Family {
	return {
		source: {
			families: [{ name, type }],
			version: series.version,
			read: async () => [{ name, help, type, values: [...series.all()].flatMap(valuesOf) }],
		},
		remove(labelName, value) {
			const own = labelNames.find((known) => known === labelName);
			if (own !== undefined) series.remove(own, value);
		},
	};
}

interface FamilyHead<Name extends string> {
	readonly name: string;
	readonly help: string;
	readonly type: "counter" | "gauge" | "histogram";
	readonly labelNames: readonly Name[];
}

function histogramValues(
	name: string,
	buckets: readonly number[],
	{
		labels,
		sum,
		counts,
	}: { readonly labels: Labels<string>; readonly sum: number; readonly counts: readonly number[] },
): Values {
	let count = 0;
	const values = counts.map((own, bucket) => {
		count += own;
		return { labels: { ...labels, le: buckets[bucket] ?? "+Inf" }, value: count, metricName: `${name}_bucket` };
	});
	return [
		...values,
		{ labels, value: sum, metricName: `${name}_sum` },
		{ labels, value: count, metricName: `${name}_count` },
	];
}
