/**
 * Keeps counters going across generations: a module's counters start at zero after a restart, the page's do not.
 *
 * For every counter, histogram and summary series it holds what the running generation showed last (`raw`) and what the
 * generations before it had added up to (`base`); the page shows their sum. A restart or reload so loses no increment
 * that was collected, and no counter falls. Within a generation a module may set its counters back: then what came
 * before is given up, since Prometheus takes the new value for the increment since the reset (docs/metrics.md, row 28).
 */
import type { CheckedFamily } from "../validate/family.ts";
import { YIELD_EVERY } from "../validate/family.ts";
import type { DropSink } from "../drops/drop-log.ts";
import { seriesText } from "../validate/family.ts";
import { addBase, at, readTotals, type Totals, type TotalsType } from "./totals.ts";
import { addTotals } from "../validate/sample-values.ts";

export interface CounterContinuity {
	/** Adds to each total of a snapshot, in place, what earlier generations had counted. */
	apply(families: readonly CheckedFamily[], generation: number, sink: DropSink): Generator<undefined, void>;
	/** Series held. */
	readonly size: number;
	/** Another number than before when `totals()` would give something else than before. */
	readonly revision: number;
	/** Every series that is held, with what the page shows of it. */
	totals(): Iterable<KeptTotals>;
	/** Takes totals of a host before this one, as those of an earlier generation; for the time before the first `apply`. */
	restore(kept: KeptTotals): void;
}

/** What one series had reached. */
export interface KeptTotals {
	readonly family: string;
	readonly type: TotalsType;
	/** As `CheckedFamily` has them. */
	readonly labels: string;
	readonly layout: string;
	readonly values: readonly number[];
}

/**
 * @param maxSeries most series that are held, asked each time since the policy may change; past it those go first that
 *   the running generation does not show
 */
export function createCounterContinuity(maxSeries: () => number): CounterContinuity {
	const known = new Map<string, FamilyTotals>();
	let size = 0;
	let round = 0;
	let revision = 0;

	return {
		get size() {
			return size;
		},
		get revision() {
			return revision;
		},
		*totals() {
			for (const [family, { type, series }] of known) {
				for (const [labels, { layout, base, raw }] of series) {
					yield { family, type, labels, layout, values: base === undefined ? raw : addAll(base, raw) };
				}
			}
		},
		restore({ family, type, labels, layout, values }) {
			if (size >= maxSeries()) return;
			const { series } = familyTotals(family, type);
			if (series.has(labels)) return;
			size++;
			series.set(labels, { layout, base: undefined, raw: values, generation: BEFORE_THIS_HOST, round });
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
		if (type !== "gauge" && type !== "untyped") return familyTotals(name, type);
		drop(name);
		return undefined;
	}

	function familyTotals(name: string, type: TotalsType): FamilyTotals {
		const totals = known.get(name);
		if (totals?.type === type) return totals;
		drop(name);
		const fresh: FamilyTotals = { type, series: new Map() };
		known.set(name, fresh);
		return fresh;
	}

	function drop(name: string): void {
		const dropped = known.get(name)?.series.size ?? 0;
		if (dropped > 0) revision++;
		size -= dropped;
		known.delete(name);
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
			revision++;
			state = { layout: now.layout, base: undefined, raw: now.values, generation, round };
			series.set(labels, state);
			return undefined;
		}
		if (state.generation !== generation) {
			const { base, raw } = state;
			state.base = base === undefined ? raw : addAll(base, raw);
			state.generation = generation;
			revision++;
		} else if (at(now.values, now.counts) < at(state.raw, now.counts)) {
			state.base = undefined;
			onReset();
			revision++;
		} else if (!isSame(state.raw, now.values)) revision++;
		state.raw = now.values;
		state.round = round;
		return state.base;
	}

	/** A series that the running generation showed and shows no more was removed by its module; one of before may return. */
	function* forget(generation: number): Generator<undefined, void> {
		const most = maxSeries();
		let done = 0;
		for (const [name, { series }] of known) {
			for (const [labels, state] of series) {
				if (state.round !== round && (state.generation === generation || size > most)) {
					series.delete(labels);
					size--;
					revision++;
				}
				if (++done % YIELD_EVERY === 0) yield;
			}
			if (series.size === 0) known.delete(name);
		}
	}
}

const BEFORE_THIS_HOST = Number.NEGATIVE_INFINITY;

function addAll(base: readonly number[], raw: readonly number[]): readonly number[] {
	return raw.map((value, index) => addTotals(at(base, index), value));
}

function isSame(one: readonly number[], other: readonly number[]): boolean {
	return one.every((value, index) => value === other[index]);
}

interface FamilyTotals {
	readonly type: TotalsType;
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
