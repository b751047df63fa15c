/**
 * The samples of a histogram or summary, put together by label set: points (buckets or quantiles), sum and count are one unit.
 */
import type { Exemplar, FamilyReader } from "./family.ts";
import { refusedSeriesText, seriesText, YIELD_EVERY } from "./family.ts";
import type { DropReason, DropSink } from "../drops/drop-log.ts";
import { readExemplar } from "./exemplar.ts";
import type { LabelReader, LabelSet } from "./label-set.ts";
import { readBound, readValue } from "./sample-values.ts";

/** What of one label set has come. */
export interface SampleGroup {
	readonly labels: string;
	/** In the order in which they came. */
	readonly points: Point[];
	/** NaN for one that is no number. */
	sum: number | undefined;
	count: number | undefined;
	/** Why the label set is refused, in words. */
	broken: string | undefined;
	/** Why it is refused, where that is more than being broken. */
	refused: DropReason | undefined;
	/** Samples of totals that came twice. */
	extra: number;
	/** How often the snapshot had named the family when this label set came first. */
	readonly round: number;
}

/** A bucket or a quantile. */
export interface Point {
	/** NaN for a label that names no number. */
	readonly bound: number;
	readonly value: number | undefined;
	readonly exemplar: Exemplar | undefined;
}

export interface PointKind {
	/** What a point is called. */
	readonly noun: "bucket" | "quantile";
	/** The label that has its bound, and that the label reader sets apart. */
	readonly label: "le" | "quantile";
	readonly hasExemplars: boolean;
	/** Whether a sample of this name is one, rather than a total. */
	isPoint(sampleName: unknown): boolean;
}

export interface SampleGroups extends Pick<FamilyReader, "lines" | "add" | "again"> {
	/**
	 * Checks each label set, and gives those that may pass.
	 * @param faultOf why a label set is refused, in words
	 */
	finish<Series>(
		invalid: DropReason,
		faultOf: (group: SampleGroup) => string | undefined,
		seriesOf: (group: SampleGroup) => Series,
	): Generator<undefined, Series[]>;
}

export function createSampleGroups(name: string, kind: PointKind, labels: LabelReader, sink: DropSink): SampleGroups {
	const sumName = `${name}_sum`;
	const countName = `${name}_count`;
	const groups = new Map<string, SampleGroup>();
	let lines = 0;
	let round = 0;

	return {
		get lines() {
			return lines;
		},
		add(sample) {
			const [wireLabels, wireValue, sampleName, wireExemplar, hasTimestamp] = sample;
			const part = partOf(sampleName);
			if (part === undefined) {
				return sink.drop("foreign_sample_name", name, refusedSeriesText(sampleName ?? name, wireLabels));
			}
			const set = labels.read(wireLabels);
			if (typeof set === "string") return sink.drop(set, name, refusedSeriesText(name, wireLabels));
			const known = groups.get(set.text);
			if (known !== undefined && known.round !== round) {
				return sink.drop("duplicate_series", name, seriesText(name, set.text));
			}
			lines++;
			if (hasTimestamp === 1) sink.warn("timestamp_ignored", name, seriesText(name, set.text));
			take(known ?? addGroup(set), part, set, readValue(wireValue), exemplarOf(part, set, wireExemplar));
		},
		again() {
			round++;
		},
		*finish(invalid, faultOf, seriesOf) {
			const all = [];
			let done = 0;
			for (const group of groups.values()) {
				const fault = group.broken ?? faultOf(group);
				if (fault === undefined) {
					if (group.extra > 0) sink.drop("duplicate_series", name, seriesText(name, group.labels), group.extra);
					all.push(seriesOf(group));
				} else {
					sink.drop(group.refused ?? invalid, name, `${seriesText(name, group.labels)}: ${fault}`);
				}
				if (++done % YIELD_EVERY === 0) yield;
			}
			return all;
		},
	};

	function partOf(sampleName: unknown): Part | undefined {
		if (kind.isPoint(sampleName)) return "point";
		return sampleName === sumName ? "sum" : sampleName === countName ? "count" : undefined;
	}

	function addGroup({ text, misplaced }: LabelSet): SampleGroup {
		const group: SampleGroup = {
			labels: text,
			points: [],
			sum: undefined,
			count: undefined,
			broken: undefined,
			refused: undefined,
			extra: 0,
			round,
		};
		groups.set(text, group);
		if (misplaced) sink.warn("reserved_label", name, seriesText(name, text));
		return group;
	}

	function exemplarOf(part: Part, set: LabelSet, wire: unknown): Exemplar | undefined {
		if (wire === undefined || wire === 0) return undefined;
		const exemplar = part === "point" && kind.hasExemplars ? readExemplar(wire) : undefined;
		if (exemplar === undefined) sink.drop("exemplar_invalid", name, seriesText(name, set.text));
		return exemplar;
	}

	function take(
		group: SampleGroup,
		part: Part,
		{ special, specialRefused }: LabelSet,
		value: number | undefined,
		exemplar: Exemplar | undefined,
	): void {
		if (specialRefused !== undefined) {
			group.refused ??= specialRefused;
			group.broken ??= `the value of the label ${kind.label}`;
		} else if (part === "point") {
			if (special === undefined) group.broken ??= `a ${kind.noun} without the label ${kind.label}`;
			else group.points.push({ bound: readBound(special), value, exemplar });
		} else if (special !== undefined) {
			group.broken ??= `the label ${kind.label} on ${name}_${part}`;
		} else if (group[part] !== undefined) {
			// The same sum or count once more is the same label set once more: the first one stands.
			group.extra++;
		} else {
			group[part] = value ?? Number.NaN;
		}
	}
}

type Part = "point" | "sum" | "count";
