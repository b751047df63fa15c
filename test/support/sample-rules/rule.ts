/** One case of what a snapshot may hold, what of it is on the page, and what is said of the rest. */
import type { DropReason, WarningReason } from "../../../src/metrics/drops/drop-log.ts";
import { gauge, type RawFamily, value } from "../raw-families.ts";

export interface Rule {
	/** Of docs/metrics.md. */
	readonly row: number;
	readonly title: string;
	/** What each module shows, collected in this order. A module may come twice, as two collections. */
	readonly modules: Readonly<Record<string, unknown>> | readonly (readonly [moduleId: string, families: unknown])[];
	/** Every series on the text page. */
	readonly series?: Readonly<Record<string, number>>;
	/** Every series on the OpenMetrics page, where it differs. */
	readonly openmetrics?: Readonly<Record<string, number>>;
	/** Every series on the text page for a scraper that takes UTF-8 names, where it differs. */
	readonly utf8?: Readonly<Record<string, number>>;
	/** `module reason` -> how many. */
	readonly drops?: Readonly<Record<`${string} ${DropReason}`, number>>;
	/** `module reason`. */
	readonly warnings?: readonly `${string} ${WarningReason}`[];
	/** Modules whose last collection failed as a whole. */
	readonly failed?: readonly string[];
	readonly limits?: { readonly maxSeries?: number; readonly maxLabels?: number; readonly maxLabelLength?: number };
	readonly host?: readonly (RawFamily & { readonly type: "counter" | "gauge" })[];
	/** Pieces of text that the text page must hold. */
	readonly text?: readonly string[];
	readonly openmetricsText?: readonly string[];
}

/** Stands beside whatever is bad, first and last in the snapshot: it must always come through. */
export const FIRST = gauge("good_first", value(1));
export const LAST = gauge("good_last", value(1, { a: "b" }));
export const GOOD = { good_first: 1, 'good_last{a="b"}': 1 };
export const around = (...families: readonly unknown[]): readonly unknown[] => [FIRST, ...families, LAST];

/** What a module shows in each of its collections, in the order of the rule. */
export function stepsOf({ modules }: Rule): readonly (readonly [moduleId: string, families: unknown])[] {
	return isSteps(modules) ? modules : Object.entries(modules);
}

export const LONE_SURROGATE = "\ud800";
export const throws = (): never => {
	throw new Error("no");
};

function isSteps(modules: Rule["modules"]): modules is readonly (readonly [string, unknown])[] {
	return Array.isArray(modules);
}
