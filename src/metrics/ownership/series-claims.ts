/** Which module owns a series of a family that several modules show. */
import type { CheckedFamily } from "../validate/family.ts";
import { seriesText, YIELD_EVERY } from "../validate/family.ts";

/** By the series' label text. */
export type SeriesClaims = Map<string, SeriesClaim>;

export interface SeriesClaim {
	readonly moduleId: string;
	/** When the module last showed it, in milliseconds. */
	readonly seenAt: number;
	/** Whose it is from this module's next collection on. */
	readonly heir?: string;
}

/**
 * Claims what is free or the module's already; drops from the family, in place, what is another's.
 * @param onRefused is told of each series that is another's
 * @param inherits whether another's goes to this module in its turn: at once, a series would be on the page twice
 */
export function* keepOwnSeries(
	claims: SeriesClaims,
	family: CheckedFamily,
	own: SeriesClaim,
	isLapsed: (claim: SeriesClaim) => boolean,
	inherits: boolean,
	onRefused: (series: string, owner: string) => void,
): Generator<undefined, void> {
	const all: CheckedFamily["series"][number][] = family.series;
	let kept = 0;
	let done = 0;
	for (const series of all) {
		const claim = claims.get(series.labels);
		const isOwn = claim?.moduleId === own.moduleId;
		if (claim === undefined || (isOwn ? claim.heir === undefined : isLapsed(claim))) {
			claims.set(series.labels, own);
			all[kept++] = series;
		} else {
			if (isOwn && claim.heir !== undefined) claims.set(series.labels, { moduleId: claim.heir, seenAt: own.seenAt });
			else if (inherits) claims.set(series.labels, { ...claim, heir: own.moduleId });
			onRefused(seriesText(family.name, series.labels), claim.moduleId);
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
