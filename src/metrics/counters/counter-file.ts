/**
 * The text of a file that keeps a module's counters, as newline-delimited JSON:
 *
 *     ["bulkhead counters", 1, module]
 *     ["f", family, type]                     the series that follow are of this family
 *     ["m"]                                   that family mirrors another system's totals
 *     ["s", [labels, layout, values], ...]    at most 64 a line; a value that is not finite is its name as a string
 *     ["end", crc]                            CRC-32 of all lines before this one
 */
import { YIELD_EVERY } from "../validate/family.ts";
import type { KeptTotals } from "./continuity.ts";
import { isTotals, type TotalsType } from "./totals.ts";
import { lineOf, sealLines, unsealLines } from "../../state/sealed-lines.ts";
import { parseJson } from "../../../workers/wire/json.ts";

/** @param totals family by family */
export function* encodeCounters(moduleId: string, totals: Iterable<KeptTotals>): Generator<undefined, string> {
	let text = lineOf([TITLE, VERSION, moduleId]);
	let family: string | undefined;
	let series: unknown[] = [];
	const flush = (): void => {
		if (series.length > 0) text += lineOf(["s", ...series]);
		series = [];
	};
	for (const kept of totals) {
		if (kept.family !== family) {
			flush();
			family = kept.family;
			text += lineOf(["f", family, kept.type]);
		}
		if ("mirror" in kept) {
			text += lineOf(["m"]);
			continue;
		}
		series.push([
			kept.labels,
			kept.layout,
			kept.values.map((value) => (Number.isFinite(value) ? value : String(value))),
		]);
		if (series.length < YIELD_EVERY) continue;
		flush();
		yield;
	}
	flush();
	return sealLines(text);
}

/** Undefined for a text that is not what `encodeCounters` wrote for this module, whole and undamaged. */
export function* decodeCounters(
	moduleId: string,
	text: string,
): Generator<undefined, readonly KeptTotals[] | undefined> {
	const [title, ...lines] = unsealLines(text) ?? [];
	if (`${title}\n` !== lineOf([TITLE, VERSION, moduleId])) return undefined;
	const kept: KeptTotals[] = [];
	let head: { readonly family: string; readonly type: TotalsType } | undefined;
	for (const line of lines) {
		yield;
		const parsed = parseJson(line);
		if (!Array.isArray(parsed)) return undefined;
		const [kind, ...parts] = parsed as unknown[];
		if (kind === "f") head = readHead(parts);
		else if (kind !== "s" && kind !== "m") return undefined;
		if (head === undefined) return undefined;
		if (kind === "m") kept.push({ ...head, mirror: true });
		if (kind !== "s") continue;
		for (const part of parts) {
			const series = readSeries(part, head);
			if (series === undefined) return undefined;
			kept.push(series);
		}
	}
	return kept;
}

const TITLE = "bulkhead counters";
const VERSION = 1;
const TYPES: ReadonlySet<unknown> = new Set<TotalsType>(["counter", "histogram", "summary"]);

function readHead([family, type]: readonly unknown[]): { family: string; type: TotalsType } | undefined {
	return typeof family === "string" && TYPES.has(type) ? { family, type: type as TotalsType } : undefined;
}

function readSeries(part: unknown, head: { family: string; type: TotalsType }): KeptTotals | undefined {
	if (!Array.isArray(part)) return undefined;
	const [labels, layout, raw] = part as unknown[];
	if (typeof labels !== "string" || typeof layout !== "string" || !Array.isArray(raw)) return undefined;
	const values = raw.map(Number);
	return isTotals(head.type, layout, values) ? { ...head, labels, layout, values } : undefined;
}
