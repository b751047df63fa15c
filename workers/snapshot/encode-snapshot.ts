/**
 * The snapshot: what a worker sends of its metrics, as one buffer of newline-delimited JSON.
 *
 *     ["f", name, help, type]            a metric family begins; a fifth element 0 says that its `values` were no array,
 *                                        1 that they are totals of another system, which the module mirrors
 *     ["s", [sample, sample, ...], n]    samples of that family, and how many they are: at most 64 a line
 *     ["x", families]                    the last line, when that many families did not fit into the limits
 *
 *     sample:   [labels, value, sampleName | 0, exemplar | 0, hasTimestamp 0 | 1], zeros at the end left out;
 *               null for a sample that could not be read
 *     labels:   [name, text, name, text, ...]; a number, their count, when they are too many to send; null when they
 *               could not be read. `name` and `text` are a number, the length, for a string too long to send;
 *               [length, ""] stands for labels that are too long together. `text` is [] for a value that has no text,
 *               null for one that is not data (function, symbol, a getter that threw)
 *     value:    a number, or "NaN", "+Inf", "-Inf"; null for anything that is not a number
 *     exemplar: [labels, value, timestamp | 0], [] for one that cannot be read
 *
 * A module owns every object that is read here: getters throw, proxies lie, arrays claim to be endless. Each property is
 * read once, the smallest unit is given up, and what is written is bounded. The format carries no exposition text and
 * its reader (src/metrics/validate/snapshot-reader.ts) trusts nothing in it, so a module that forged these bytes could send
 * false numbers of its own, which it can anyway, and nothing else.
 */

import { encodeSample, helpText, nameText } from "./encode-sample.ts";
import { SnapshotWriter } from "./line-writer.ts";
import { type List, listOf, read, readIndex } from "./read-untrusted.ts";
import type { SnapshotLimits } from "./limits.ts";

export type EncodedSnapshot =
	| { readonly ok: true; readonly bytes: Uint8Array; readonly samples: number }
	| { readonly ok: false; readonly reason: "invalid_payload" | "payload_too_large"; readonly message: string };

/**
 * Encodes the families that `registry.getMetricsAsJSON()` gave, of each registry one list. Never throws. Families that
 * do not fit into the limits are left out whole, from the first one on that does not fit; the snapshot as a whole is
 * refused when one of the lists is no array, or when not even the first family fits.
 *
 * @param mirrored those of the families that mirror another system's totals
 */
export function encodeSnapshot(
	lists: readonly unknown[],
	limits: SnapshotLimits,
	mirrored: ReadonlySet<unknown> = new Set(),
): EncodedSnapshot {
	try {
		return encode(lists, limits, mirrored);
	} catch {
		// Only a module that replaced the language's own methods gets here; it must not take the worker's runtime along.
		return { ok: false, reason: "invalid_payload", message: "the registry's snapshot could not be read" };
	}
}

function encode(
	registries: readonly unknown[],
	limits: SnapshotLimits,
	mirrored: ReadonlySet<unknown>,
): EncodedSnapshot {
	const out = new SnapshotWriter(limits);
	let written = 0;
	let left = 0;
	for (const registry of registries) {
		const list = listOf(registry);
		if (list === undefined) {
			const message = "the registry's getMetricsAsJSON() did not return an array of metric families";
			return { ok: false, reason: "invalid_payload", message };
		}
		const fitted = left === 0 ? encodeFamilies(list, out, mirrored) : 0;
		written += fitted;
		left += list.length - fitted;
	}
	if (written === 0 && left > 0) {
		return {
			ok: false,
			reason: "payload_too_large",
			message: `the first metric family alone passes ${limits.maxSamples} samples or ${limits.maxBytes} bytes`,
		};
	}
	if (left > 0) out.trailer(left);
	return { ok: true, bytes: out.bytes(), samples: out.samples };
}

/** How many of the families fitted. */
function encodeFamilies({ array, length }: List, out: SnapshotWriter, mirrored: ReadonlySet<unknown>): number {
	for (let index = 0; index < length; index++) {
		const mark = out.mark();
		const family = readIndex(array, index);
		encodeFamily(family, out, mirrored.has(family));
		if (!out.overflowed) continue;
		out.rollBack(mark);
		return index;
	}
	return length;
}

function encodeFamily(family: unknown, out: SnapshotWriter, isMirrored: boolean): void {
	if (typeof family !== "object" || family === null) return out.line('["f"]');
	const name = read(family, "name");
	const help = read(family, "help");
	const values = listOf(read(family, "values"));
	const head = `["f",${nameText(name)},${helpText(help)},${nameText(read(family, "type"))}`;
	out.line(values === undefined ? `${head},0]` : isMirrored ? `${head},1]` : `${head}]`);
	if (values === undefined) return;
	for (let index = 0; index < values.length && !out.overflowed; index++) {
		out.sample(encodeSample(readIndex(values.array, index)));
	}
	out.endLine();
}
