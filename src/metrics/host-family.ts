/**
 * One family of the host's own metrics: a prom-client metric that knows when it changed and whose series it holds.
 */
import { Counter, Gauge, Histogram } from "prom-client";
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
	const tracked: Tracked[] = [];

	return {
		counter(name, help, labels = []) {
			const metric = new Counter({ name, help, labelNames: labels, registers: [] });
			const note = track(tracked, metric, name, "counter", labels);
			return {
				inc(values, by = 1) {
					metric.inc(values, by);
					note(values);
				},
			};
		},
		gauge(name, help, labels = []) {
			const metric = new Gauge({ name, help, labelNames: labels, registers: [] });
			const note = track(tracked, metric, name, "gauge", labels);
			return {
				set(values, value) {
					metric.set(values, value);
					note(values, value);
				},
				inc(values, by = 1) {
					metric.inc(values, by);
					note(values);
				},
			};
		},
		histogram(name, help, buckets, labels = []) {
			const metric = new Histogram({ name, help, labelNames: labels, buckets: [...buckets], registers: [] });
			const note = track(tracked, metric, name, "histogram", labels);
			return {
				observe(values, value) {
					metric.observe(values, value);
					note(values);
				},
			};
		},
		get sources() {
			return tracked.map(({ source }) => source);
		},
		removeSeries(labelNames, value) {
			for (const { remove } of tracked) for (const labelName of labelNames) remove(labelName, value);
		},
	};
}

interface Tracked {
	readonly source: HostSource;
	remove(labelName: string, value: string): void;
}

interface PromMetric<Name extends string> {
	get(): Promise<HostFamily>;
	remove(labels: Labels<Name>): void;
}

/** Returns what is to be called with the labels of each change, and with the value where it was set to one. */
function track<Name extends string>(
	into: Tracked[],
	metric: PromMetric<Name>,
	name: string,
	type: "counter" | "gauge" | "histogram",
	labelNames: readonly Name[],
): (labels: Labels<Name>, value?: number) => void {
	let version = 0;
	const series = new Map<string, { readonly labels: Labels<Name>; value: number | undefined }>();
	into.push({
		source: {
			families: [{ name, type }],
			version: () => version,
			read: async () => [await metric.get()],
		},
		remove(labelName, value) {
			const own = labelNames.find((known) => known === labelName);
			if (own === undefined) return;
			for (const [key, { labels }] of series) {
				if (labels[own] !== value) continue;
				series.delete(key);
				metric.remove(labels);
				version++;
			}
		},
	});
	return (labels, value) => {
		const key = labelNames.map((labelName) => labels[labelName]).join("\n");
		const known = series.get(key);
		// Set to what it was: what a module is like changes far more rarely than it is looked at.
		if (known !== undefined && value !== undefined && known.value === value) return;
		version++;
		if (known === undefined) series.set(key, { labels, value });
		else known.value = value;
	};
}
