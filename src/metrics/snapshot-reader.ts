/**
 * Reads a snapshot (workers/snapshot.ts) that may be anything: bytes in, checked families out.
 *
 * A generator, because main must not be held: it yields after every few samples, and no line is parsed that is longer
 * than `MAX_LINE_BYTES`. A line is decoded once and judged by what was decoded, so that memory which a worker still
 * writes to could not change after it was checked. JSON.parse gives own properties only and the reader looks at arrays
 * only, so no prototype is involved; nothing recurses, so depth does not matter.
 */
import { DEFAULT_SNAPSHOT_LIMITS, MAX_LINE_BYTES } from "../../workers/snapshot.ts";
import type { CheckedFamily, FamilyReader } from "./checked-family.ts";
import { YIELD_EVERY } from "./checked-family.ts";
import type { DropSink } from "./drop-log.ts";
import { createHistogramFamily } from "./histogram-family.ts";
import type { LabelLimits } from "./label-set.ts";
import { createLabelReader } from "./label-set.ts";
import { metricTypeOf, refusedName } from "./metric-names.ts";
import { createSummaryFamily } from "./summary-family.ts";
import { createValueFamily } from "./value-family.ts";

export interface SnapshotRules extends LabelLimits {
	/** Most series of a module, counted as lines on the page; a family without samples counts as one. */
	readonly maxSeries: number;
	/** Whether a name is the host's. */
	isReserved(name: string): boolean;
	/** A label that every series of this family gets. */
	forcedLabel(name: string): { readonly name: string; readonly value: string } | undefined;
}

export type SnapshotReading =
	| { readonly ok: true; readonly families: CheckedFamily[] }
	| { readonly ok: false; readonly reason: "invalid_payload" | "payload_too_large"; readonly message: string };

/** Reads a snapshot whole; what is dropped from it goes to the sink. The payload is refused only when it is not one. */
export function* readSnapshot(
	bytes: Uint8Array,
	rules: SnapshotRules,
	sink: DropSink,
): Generator<undefined, SnapshotReading> {
	if (bytes.byteLength > DEFAULT_SNAPSHOT_LIMITS.maxBytes) return tooLarge(`${bytes.byteLength} bytes`);
	const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const collector = createFamilyCollector(rules, sink);
	let entries = 0;
	for (let start = 0; start < buffer.length; ) {
		const end = buffer.indexOf(NEWLINE, start);
		if (end === -1 || end - start > MAX_LINE_BYTES) return invalid(NOT_LINES);
		// Of what is over the limit only the number counts: to read it would cost more than all that is kept.
		const lost = collector.isOver ? sampleCount(buffer, start, end) : 0;
		if (lost > 0) {
			collector.lose(lost);
			entries += lost;
		} else {
			const line = parseLine(buffer.toString("utf8", start, end));
			if (line === undefined) return invalid(NOT_LINES);
			const [kind, second] = line;
			entries++;
			if (kind === "f") {
				collector.family(line);
			} else if (kind === "s" && Array.isArray(second)) {
				for (const sample of second) {
					collector.sample(sample);
					if (++entries % YIELD_EVERY === 0) yield;
				}
			} else if (kind === "x" && typeof second === "number") {
				const missing = Math.trunc(Math.min(Math.max(second, 1), DEFAULT_SNAPSHOT_LIMITS.maxSamples));
				sink.drop("payload_too_large", "", `the last ${missing} families`, missing);
			} else {
				return invalid("it has a line of an unknown kind");
			}
		}
		if (entries > DEFAULT_SNAPSHOT_LIMITS.maxSamples) return tooLarge("too many samples");
		start = end + 1;
		yield;
	}
	return { ok: true, families: yield* collector.finish() };
}

const NEWLINE = 10;
const NOT_LINES = "it is not lines of JSON as the worker writes them";

/** How many samples a line says that it has; 0 when it says nothing, or is of another kind. */
function sampleCount(buffer: Buffer, start: number, end: number): number {
	if (!buffer.subarray(start, start + SAMPLES_LINE.length).equals(SAMPLES_LINE)) return 0;
	return Number(COUNT_AT_THE_END.exec(buffer.toString("latin1", Math.max(start, end - COUNT_CHARS), end))?.[1] ?? 0);
}

const SAMPLES_LINE = Buffer.from('["s",');
const COUNT_AT_THE_END = /\],(\d{1,2})\]$/;
const COUNT_CHARS = 8;

function parseLine(text: string): readonly unknown[] | undefined {
	try {
		const line: unknown = JSON.parse(text);
		return Array.isArray(line) ? line : undefined;
	} catch {
		return undefined;
	}
}

function invalid(why: string): SnapshotReading {
	return { ok: false, reason: "invalid_payload", message: `the snapshot was refused: ${why}` };
}

function tooLarge(what: string): SnapshotReading {
	return { ok: false, reason: "payload_too_large", message: `the snapshot was refused: ${what}` };
}

/** Puts samples to their families and keeps to the series limit: families in order, whole, until one does not fit. */
function createFamilyCollector(rules: SnapshotRules, sink: DropSink) {
	const readers = new Map<string, FamilyReader>();
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
			const known = readers.get(shown);
			if (known !== undefined) {
				// Two registries of one module may each have a part of a family.
				if (known.type !== type) return sink.drop("type_conflict", shown, "");
				known.again();
				current = known;
				return;
			}
			if (full || lines + 1 > rules.maxSeries) {
				full = true;
				over = { name: shown, lost: 0 };
				return;
			}
			const head = { name: shown, help: typeof help === "string" ? help.toWellFormed() : "", type };
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
			if (lines <= rules.maxSeries) return;
			full = true;
			lines -= Math.max(1, current.lines);
			over = { name: current.name, lost: current.lines };
			readers.delete(current.name);
			current = undefined;
		},
		*finish(): Generator<undefined, CheckedFamily[]> {
			reportOver();
			const families: CheckedFamily[] = [];
			for (const reader of readers.values()) {
				families.push(yield* reader.finish());
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
