/** Puts the samples of a snapshot, as its lines carry them (workers/snapshot/encode-snapshot.ts), to their families, within the limits. */
import type { CheckedFamily, FamilyReader } from "./family.ts";
import type { DropSink } from "../drops/drop-log.ts";
import { createHistogramFamily } from "./histogram-family.ts";
import type { LabelLimits } from "./label-set.ts";
import { createLabelReader } from "./label-set.ts";
import { metricTypeOf, refusedName } from "./metric-names.ts";
import { createSummaryFamily } from "./summary-family.ts";
import { createValueFamily } from "./scalar-family.ts";

export interface SnapshotRules extends LabelLimits {
	/** Most series of a module, counted as lines on the page; a family without samples counts as one. */
	readonly maxSeries: number;
	/** Whether a name is the host's. */
	isReserved(name: string): boolean;
	/** A label that every series of this family gets. */
	forcedLabel(name: string): { readonly name: string; readonly value: string } | undefined;
}

/** Keeps to the series limit: families in order, whole, until one does not fit. */
export function createFamilyCollector(rules: SnapshotRules, sink: DropSink) {
	const readers = new Map<string, FamilyReader>();
	const mirrored = new Set<string>();
	/** Where samples go now: a family, or nowhere because theirs was refused. */
	let current: FamilyReader | undefined;
	/** The family that did not fit, or one after it, with what was lost of it so far. */
	let over: { readonly name: string; lost: number } | undefined;
	let full = false;
	let lines = 0;

	return {
		/** Whether the samples that come now are over the limit. */
		get isOver(): boolean {
			return over !== undefined;
		},
		/** How many lines more the family may have that has just begun; undefined when none has. */
		get room(): number | undefined {
			return current?.lines === 0 ? rules.maxSeries - lines + 1 : undefined;
		},
		/** The family that samples belong to now has more of them than there is room for: takes none of it. */
		giveUp(): void {
			if (current === undefined) return;
			full = true;
			lines -= Math.max(1, current.lines);
			over = { name: current.name, lost: current.lines };
			readers.delete(current.name);
			current = undefined;
		},
		lose(samples: number): void {
			if (over !== undefined) over.lost += samples;
		},
		family(line: readonly unknown[]): void {
			reportOver();
			current = undefined;
			const [, name, help, word, flag] = line;
			const type = metricTypeOf(word);
			const shown = typeof name === "string" ? name : "";
			if (line.length < 4 || flag === 0) return sink.drop("invalid_payload", shown, "");
			const refused = refusedName(name);
			if (refused !== undefined) return sink.drop(refused, shown, "");
			if (rules.isReserved(shown)) return sink.drop("reserved_name", shown, "");
			if (type === undefined) return sink.drop("invalid_type", shown, "");
			if (typeof help !== "string") sink.warn("invalid_help", shown, "");
			if (flag === 1) mirrored.add(shown);
			const head = { name: shown, help: typeof help === "string" ? help.toWellFormed() : "", type };
			const known = readers.get(shown);
			if (known !== undefined) {
				// Two registries of one module may each have a part of a family.
				if (known.type !== type) return sink.drop("type_conflict", shown, "");
				if (known.help !== head.help) sink.warn("help_conflict", shown, "");
				known.again();
				current = known;
				return;
			}
			if (full || lines + 1 > rules.maxSeries) {
				full = true;
				over = { name: shown, lost: 0 };
				return;
			}
			current = createFamilyReader(head, rules, sink);
			readers.set(shown, current);
			lines++;
		},
		sample(sample: unknown): void {
			if (over !== undefined) {
				over.lost++;
				return;
			}
			if (current === undefined) return;
			if (!Array.isArray(sample)) return sink.drop("invalid_payload", current.name, "");
			const before = Math.max(1, current.lines);
			current.add(sample);
			lines += Math.max(1, current.lines) - before;
			if (lines > rules.maxSeries) this.giveUp();
		},
		*finish(): Generator<undefined, CheckedFamily[]> {
			reportOver();
			const families: CheckedFamily[] = [];
			for (const reader of readers.values()) {
				const family = yield* reader.finish();
				families.push(mirrored.has(family.name) ? { ...family, mirrored: true } : family);
				yield;
			}
			return families;
		},
	};

	function reportOver(): void {
		if (over !== undefined) sink.drop("series_limit", over.name, "", Math.max(1, over.lost));
		over = undefined;
	}
}

function createFamilyReader(
	head: { readonly name: string; readonly help: string; readonly type: NonNullable<ReturnType<typeof metricTypeOf>> },
	rules: SnapshotRules,
	sink: DropSink,
): FamilyReader {
	const { type } = head;
	const forced = rules.forcedLabel(head.name);
	switch (type) {
		case "histogram":
			return createHistogramFamily(head, createLabelReader(rules, "le", forced), sink);
		case "summary":
			return createSummaryFamily(head, createLabelReader(rules, "quantile", forced), sink);
		case "counter":
		case "gauge":
		case "untyped":
			return createValueFamily({ ...head, type }, createLabelReader(rules, undefined, forced), sink);
	}
}
