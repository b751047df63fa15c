/** Which module owns a series of a family that several modules show. */
import type { CheckedFamily } from "./checked-family.ts";
import { seriesText, YIELD_EVERY } from "./checked-family.ts";
import type { DropSink } from "./drop-log.ts";

/** By the series' label text. */
export type SeriesClaims = Map<string, SeriesClaim>;

export interface SeriesClaim {
	readonly moduleId: string;
	/** When the module last showed it, in milliseconds. */
	readonly seenAt: number;
}

/** Claims what is free or the module's already; drops from the family, in place, what is another's. */
export function* keepOwnSeries(
	claims: SeriesClaims,
	family: CheckedFamily,
	own: SeriesClaim,
	isLapsed: (claim: SeriesClaim) => boolean,
	sink: DropSink,
): Generator<undefined, void> {
	const all: CheckedFamily["series"][number][] = family.series;
	let kept = 0;
	let done = 0;
	for (const series of all) {
		const claim = claims.get(series.labels);
		if (claim === undefined || claim.moduleId === own.moduleId || isLapsed(claim)) {
			claims.set(series.labels, own);
			all[kept++] = series;
		} else {
			sink.drop("duplicate_series", family.name, seriesText(family.name, series.labels));
		}
		if (++done % YIELD_EVERY === 0) yield;
	}
	all.length = kept;
}

/** Gives up what a module has not claimed with `own`, that is, does not show now, so that labels which change all the time cannot pile up. */
export function* sweepClaims(claims: SeriesClaims, own: SeriesClaim): Generator<undefined, void> {
	let done = 0;
	for (const [labels, claim] of claims) {
		if (claim !== own && claim.moduleId === own.moduleId) claims.delete(labels);
		if (++done % YIELD_EVERY === 0) yield;
	}
}
