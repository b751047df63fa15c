/**
 * Reads a snapshot (workers/snapshot/encode-snapshot.ts) that may be anything: bytes in, checked families out.
 *
 * A generator, because main must not be held: it yields after every few samples, and no line is parsed that is longer
 * than `MAX_LINE_BYTES`. A line is decoded once and judged by what was decoded, so that memory which a worker still
 * writes to could not change after it was checked. JSON.parse gives own properties only and the reader looks at arrays
 * only, so no prototype is involved; nothing recurses, so depth does not matter.
 */
import { isUtf8 } from "node:buffer";
import type { CheckedFamily } from "./family.ts";
import { YIELD_EVERY } from "./family.ts";
import type { DropSink } from "../drops/drop-log.ts";
import { createFamilyCollector, type SnapshotRules } from "./family-collector.ts";
import { DEFAULT_SNAPSHOT_LIMITS, MAX_LINE_BYTES } from "../../../workers/snapshot/limits.ts";

export type SnapshotReading =
	| { readonly ok: true; readonly families: CheckedFamily[] }
	| { readonly ok: false; readonly reason: "invalid_payload" | "payload_too_large"; readonly message: string };

/** Reads a snapshot whole; what is dropped from it goes to the sink. The payload is refused only when it is not one. */
export function* readSnapshot(
	bytes: Uint8Array,
	rules: SnapshotRules,
	sink: DropSink,
): Generator<undefined, SnapshotReading> {
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
			const line = parseLine(buffer.subarray(start, end));
			if (line === undefined) return invalid(NOT_LINES);
			const [kind, second] = line;
			entries++;
			if (kind === "f") {
				collector.family(line);
				const { room } = collector;
				if (room !== undefined && (yield* isOversized(buffer, end + 1, room))) collector.giveUp();
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

/**
 * Whether more than twice as many samples follow as there is room for, going by what their lines say. Such a family does
 * not fit unless most of its samples are bad, and to find that out one by one would cost as much as a module that is good.
 */
function* isOversized(buffer: Buffer, from: number, room: number): Generator<undefined, boolean> {
	let samples = 0;
	let lines = 0;
	for (let start = from; start < buffer.length; ) {
		const end = buffer.indexOf(NEWLINE, start);
		const count = end === -1 ? 0 : sampleCount(buffer, start, end);
		if (count === 0) return false;
		samples += count;
		if (samples > 2 * room) return true;
		if (++lines % YIELD_EVERY === 0 || end - start > LONG_LINE_BYTES) yield;
		start = end + 1;
	}
	return false;
}

const LONG_LINE_BYTES = 16 * 1024;

/** How many samples a line says that it has; 0 when it says nothing, or is of another kind. */
function sampleCount(buffer: Buffer, start: number, end: number): number {
	if (!buffer.subarray(start, start + SAMPLES_LINE.length).equals(SAMPLES_LINE)) return 0;
	return Number(COUNT_AT_THE_END.exec(buffer.toString("latin1", Math.max(start, end - COUNT_CHARS), end))?.[1] ?? 0);
}

const SAMPLES_LINE = Buffer.from('["s",');
const COUNT_AT_THE_END = /\],(\d{1,2})\]$/;
const COUNT_CHARS = 8;

/** Bytes that are no UTF-8 are not the worker's: decoded, two different texts of them would be one. */
function parseLine(bytes: Buffer): readonly unknown[] | undefined {
	if (!isUtf8(bytes)) return undefined;
	try {
		const line: unknown = JSON.parse(bytes.toString());
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
