/**
 * Counters, gauges and untyped families: one sample is one series. docs/metrics.md, rows 15, 25 to 27, 36, 37, 43 and 44.
 */
import type { CheckedFamily, FamilyReader, ValueSeries } from "./family.ts";
import { refusedSeriesText, seriesText } from "./family.ts";
import type { DropSink } from "../drops/drop-log.ts";
import { readExemplar } from "./exemplar.ts";
import type { LabelReader } from "./label-set.ts";
import { readValue } from "./sample-values.ts";

/** A family of plain values; `type` decides what a value may be. */
export function createValueFamily(
	head: { readonly name: string; readonly help: string; readonly type: "counter" | "gauge" | "untyped" },
	labels: LabelReader,
	sink: DropSink,
): FamilyReader {
	const { name, help, type } = head;
	const seen = new Set<string>();
	const series: ValueSeries[] = [];

	return {
		name,
		help,
		type,
		get lines() {
			return series.length;
		},
		add(sample) {
			const [wireLabels, wireValue, sampleName, wireExemplar, hasTimestamp] = sample;
			if (sampleName !== undefined && sampleName !== 0 && sampleName !== name) {
				return sink.drop("foreign_sample_name", name, refusedSeriesText(sampleName, wireLabels));
			}
			const set = labels.read(wireLabels);
			if (typeof set === "string") return sink.drop(set, name, refusedSeriesText(name, wireLabels));
			const value = readValue(wireValue);
			if (value === undefined) return sink.drop("invalid_value", name, seriesText(name, set.text));
			if (type === "counter" && !(value >= 0)) {
				return sink.drop("counter_invalid_value", name, seriesText(name, set.text));
			}
			if (seen.has(set.text)) return sink.drop("duplicate_series", name, seriesText(name, set.text));
			seen.add(set.text);
			if (hasTimestamp === 1) sink.warn("timestamp_ignored", name, seriesText(name, set.text));
			if (set.misplaced) sink.warn("reserved_label", name, seriesText(name, set.text));
			series.push({ labels: set.text, value, exemplar: exemplarOf(wireExemplar, set.text) });
		},
		again() {},
		*finish(): Generator<undefined, CheckedFamily> {
			yield;
			return { ...head, series };
		},
	};

	function exemplarOf(wire: unknown, text: string) {
		if (wire === undefined || wire === 0) return undefined;
		const exemplar = type === "counter" ? readExemplar(wire) : undefined;
		if (exemplar === undefined) sink.drop("exemplar_invalid", name, seriesText(name, text));
		return exemplar;
	}
}
