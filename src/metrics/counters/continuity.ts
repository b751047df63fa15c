/**
 * Keeps counters going across generations: a module's counters start at zero after a restart, the page's do not.
 *
 * For every counter, histogram and summary series it holds what the running generation showed last (`raw`) and what the
 * generations before it had added up to (`base`); the page shows their sum. A restart or reload so loses no increment
 * that was collected, and no counter falls. Within a generation a module may set its counters back: then what came
 * before is given up, since Prometheus takes the new value for the increment since the reset (docs/metrics.md, row 28).
 *
 * A family that mirrors the totals of another system is shown as it is: another generation is no event of that system.
 * A new generation may show its first value before it can be seen to mirror, so that the family stays a mirror until it
 * has been collected `MIRROR_COLLECTIONS` times without a sign of it.
 */
import type { CheckedFamily } from "../validate/family.ts";
import { YIELD_EVERY } from "../validate/family.ts";
import type { DropSink } from "../drops/drop-log.ts";
import { seriesText } from "../validate/family.ts";
import { addBase, at, readTotals, type Totals, type TotalsType } from "./totals.ts";
import { addTotals } from "../validate/sample-values.ts";
import type { CounterMode } from "../../../workers/wire/messages.ts";

export interface CounterContinuity {
	/**
	 * Adds to each total of a snapshot, in place, what earlier generations had counted.
	 * @param counts what is known of all counters of the module, whatever each of them looks like
	 */
	apply(
		families: readonly CheckedFamily[],
		generation: number,
		sink: DropSink,
		counts?: Counts,
	): Generator<undefined, void>;
	/** Series held. */
	readonly size: number;
	/** Whether `totals()` would give nothing. */
	readonly isEmpty: boolean;
	/** Another number than before when `totals()` would give something else than before. */
	readonly revision: number;
	/** Every series that is held, with what the page shows of it. */
	totals(): Iterable<KeptTotals>;
	/** Takes totals of a host before this one, as those of an earlier generation; for the time before the first `apply`. */
	restore(kept: KeptTotals): void;
}

export interface Counts {
	readonly mode?: CounterMode | undefined;
	/** Families that could not be collected this time: what is held of them stays. */
	readonly missing?: ReadonlySet<string>;
}

/** What one series had reached, or, without a series, that the family is a mirror. */
export type KeptTotals = KeptSeries | KeptMirror;

export interface KeptMirror {
	readonly family: string;
	readonly type: TotalsType;
	readonly mirror: true;
}

export interface KeptSeries {
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
		get isEmpty() {
			return known.size === 0;
		},
		get revision() {
			return revision;
		},
		*totals() {
			for (const [family, { type, mirrorFor, series }] of known) {
				if (mirrorFor > 0) yield { family, type, mirror: true };
				for (const [labels, { layout, base, raw }] of series) {
					yield { family, type, labels, layout, values: base === undefined ? raw : addAll(base, raw) };
				}
			}
		},
		restore(kept) {
			if (size >= maxSeries()) return;
			const totals = familyTotals(kept.family, kept.type);
			if ("mirror" in kept) {
				becomeMirror(totals);
				return;
			}
			const { labels, layout, values } = kept;
			const { series } = totals;
			if (series.has(labels)) return;
			size++;
			series.set(labels, { layout, base: undefined, raw: values, generation: BEFORE_THIS_HOST, round });
		},
		*apply(families, generation, sink, { mode, missing } = {}) {
			round++;
			for (const name of missing ?? []) retainFamily(name);
			for (const family of families) {
				const totals = totalsOf(family);
				if (totals === undefined) continue;
				totals.round = round;
				if (isMirror(totals, family, mode)) continue;
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

	function isMirror(totals: FamilyTotals, { mirrored = false }: CheckedFamily, mode: CounterMode | undefined): boolean {
		if (mode === "absolute" || (mirrored && mode === undefined)) becomeMirror(totals);
		else if (totals.mirrorFor > 0) {
			totals.mirrorFor = mode === "cumulative" ? 0 : totals.mirrorFor - 1;
			if (totals.mirrorFor === 0) revision++;
		}
		return totals.mirrorFor > 0;
	}

	function becomeMirror(totals: FamilyTotals): void {
		if (totals.mirrorFor === 0) revision++;
		totals.mirrorFor = MIRROR_COLLECTIONS;
		size -= totals.series.size;
		totals.series.clear();
	}

	/** As if it had been shown once more as it was. */
	function retainFamily(name: string): void {
		const totals = known.get(name);
		if (totals === undefined) return;
		totals.round = round;
		for (const state of totals.series.values()) state.round = round;
	}

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
		const fresh: FamilyTotals = { type, mirrorFor: 0, round, series: new Map() };
		known.set(name, fresh);
		return fresh;
	}

	function drop(name: string): void {
		const dropped = known.get(name);
		if (dropped === undefined) return;
		if (dropped.series.size > 0 || dropped.mirrorFor > 0) revision++;
		size -= dropped.series.size;
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
		for (const [name, { series, ...family }] of known) {
			for (const [labels, state] of series) {
				if (state.round !== round && (state.generation === generation || size > most)) {
					series.delete(labels);
					size--;
					revision++;
				}
				if (++done % YIELD_EVERY === 0) yield;
			}
			// A mirror that this generation does not show yet may be made late, and is known by then.
			const isKeptMirror = family.mirrorFor > 0 && family.round > round - MIRROR_COLLECTIONS;
			if (series.size === 0 && !isKeptMirror) drop(name);
		}
	}
}

/** Five minutes at the default interval. */
const MIRROR_COLLECTIONS = 20;

const BEFORE_THIS_HOST = Number.NEGATIVE_INFINITY;

function addAll(base: readonly number[], raw: readonly number[]): readonly number[] {
	return raw.map((value, index) => addTotals(at(base, index), value));
}

function isSame(one: readonly number[], other: readonly number[]): boolean {
	return one.every((value, index) => value === other[index]);
}

interface FamilyTotals {
	readonly type: TotalsType;
	/** Collections without a sign of it after which it is no mirror any more; 0 for one that is none. */
	mirrorFor: number;
	/** The collection that showed the family last. */
	round: number;
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
