/**
 * Keeps counters going across generations: a module's counters start at zero after a restart, the page's do not.
 *
 * For every counter, histogram and summary series it holds what the running generation showed last (`raw`) and what the
 * generations before it had added up to (`base`); the page shows their sum. A restart or reload so loses no increment
 * that was collected, and no counter falls. Within a generation a module may set its counters back: then what came
 * before is given up, since Prometheus takes the new value for the increment since the reset (rules.md, row 28).
 */
import type { CheckedFamily } from "./checked-family.ts";
import { YIELD_EVERY } from "./checked-family.ts";
import type { DropSink } from "./drop-log.ts";
import { seriesText } from "./checked-family.ts";
import { addTotals } from "./sample-values.ts";

export interface CounterContinuity {
	/** Adds to each total of a snapshot, in place, what earlier generations had counted. */
	apply(families: readonly CheckedFamily[], generation: number, sink: DropSink): Generator<undefined, void>;
	/** Series held. */
	readonly size: number;
}

/** @param maxSeries most series that are held; past it those go first that the running generation does not show */
export function createCounterContinuity(maxSeries: number): CounterContinuity {
	const known = new Map<string, FamilyTotals>();
	let size = 0;
	let round = 0;

	return {
		get size() {
			return size;
		},
		*apply(families, generation, sink) {
			round++;
			for (const family of families) {
				const totals = totalsOf(family);
				if (totals === undefined) continue;
				let done = 0;
				for (const series of family.series) {
					const now = readTotals(series);
					if (now !== undefined) {
						const base = advance(totals, series.labels, now, generation, () => {
							sink.warn("counter_reset", family.name, seriesText(family.name, series.labels));
						});
						if (base !== undefined) addBase(series, base);
					}
					if (++done % YIELD_EVERY === 0) yield;
				}
			}
			yield* forget(generation);
		},
	};

	/** What is held of a family, which is nothing when it had another type before; undefined for one without totals. */
	function totalsOf({ name, type }: CheckedFamily): FamilyTotals | undefined {
		const totals = known.get(name);
		if (totals?.type === type) return totals;
		size -= totals?.series.size ?? 0;
		known.delete(name);
		if (type === "gauge" || type === "untyped") return undefined;
		const fresh: FamilyTotals = { type, series: new Map() };
		known.set(name, fresh);
		return fresh;
	}

	function advance(
		{ series }: FamilyTotals,
		labels: string,
		now: Totals,
		generation: number,
		onReset: () => void,
	): readonly number[] | undefined {
		let state = series.get(labels);
		if (state === undefined || state.layout !== now.layout) {
			if (state === undefined) size++;
			state = { layout: now.layout, base: undefined, raw: now.values, generation, round };
			series.set(labels, state);
			return undefined;
		}
		if (state.generation !== generation) {
			const { base, raw } = state;
			state.base = base === undefined ? raw : raw.map((value, index) => addTotals(base[index] ?? 0, value));
			state.generation = generation;
		} else if (at(now.values, now.counts) < at(state.raw, now.counts)) {
			state.base = undefined;
			onReset();
		}
		state.raw = now.values;
		state.round = round;
		return state.base;
	}

	/** A series that the running generation showed and shows no more was removed by its module; one of before may return. */
	function* forget(generation: number): Generator<undefined, void> {
		let done = 0;
		for (const [name, { series }] of known) {
			for (const [labels, state] of series) {
				if (state.round !== round && (state.generation === generation || size > maxSeries)) {
					series.delete(labels);
					size--;
				}
				if (++done % YIELD_EVERY === 0) yield;
			}
			if (series.size === 0) known.delete(name);
		}
	}
}

interface FamilyTotals {
	readonly type: CheckedFamily["type"];
	readonly series: Map<string, SeriesTotals>;
}

interface SeriesTotals {
	/** The bucket bounds: totals of another layout cannot be added. */
	readonly layout: string;
	base: readonly number[] | undefined;
	raw: readonly number[];
	generation: number;
	/** The collection that showed the series last. */
	round: number;
}

interface Totals {
	readonly layout: string;
	readonly values: readonly number[];
	/** Which of the values never falls, so that falling means a reset: a sum of negative observations does fall. */
	readonly counts: number;
}

function at(values: readonly number[], index: number): number {
	return values[index] ?? 0;
}

type Series = CheckedFamily["series"][number];

function readTotals(series: Series): Totals | undefined {
	if ("value" in series) return { layout: "", values: [series.value], counts: 0 };
	if ("counts" in series) {
		return { layout: series.bounds.join(), values: [...series.counts, series.sum], counts: series.counts.length - 1 };
	}
	const { count, sum } = series;
	return count === undefined || sum === undefined ? undefined : { layout: "", values: [count, sum], counts: 0 };
}

function addBase(series: Series, base: readonly number[]): void {
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
