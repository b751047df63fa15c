/**
 * The host's own families on the page: read anew when they changed, and through the same checks as a module's.
 */
import { encodeSnapshot } from "../../workers/snapshot.ts";
import { messageOf } from "../errors.ts";
import type { DropSink } from "./drop-log.ts";
import type { FamilySpan, PageFormat, WrittenFormats } from "./exposition-writer.ts";
import { writeFamilies } from "./exposition-writer.ts";
import type { MetricType } from "./metric-names.ts";
import type { Slicer } from "./slicer.ts";
import { readSnapshot } from "./snapshot-reader.ts";

/** A few families of the host that change together. */
export interface HostSource {
	readonly families: readonly { readonly name: string; readonly type: MetricType }[];
	/** Another number than before when `read()` would give something else than before. */
	version(): number;
	/** The families as `getMetricsAsJSON()` gives them. */
	read(): Promise<unknown>;
}

/** The host's part of a page, in all formats. */
export interface HostPart {
	/** Another number than before when anything in it is different. */
	readonly stamp: number;
	readonly written: readonly WrittenFormats[];
}

export interface HostReader {
	/** Reads what has changed since the last time. Several callers at once share one reading. */
	read(): Promise<HostPart>;
}

/** @param sink is told of what the host's own families lost, which is a defect of the host */
export function createHostReader(sources: readonly HostSource[], slicer: Slicer, sink: DropSink): HostReader {
	const cache = new Map<HostSource, { readonly version: number; readonly written: WrittenFormats }>();
	let stamp = 0;
	let reading: Promise<HostPart> | undefined;

	return {
		read() {
			reading ??= readAll().finally(() => {
				reading = undefined;
			});
			return reading;
		},
	};

	async function readAll(): Promise<HostPart> {
		const written = await Promise.all(sources.map(readOrKeep));
		return { stamp, written: written.flatMap((formats) => formats ?? []) };
	}

	/** A family that cannot be read now (`/proc` out of file descriptors) must not cost the scrape. */
	async function readOrKeep(source: HostSource): Promise<WrittenFormats | undefined> {
		try {
			return await readSource(source);
		} catch (error) {
			sink.drop("collect_error", source.families[0]?.name ?? "", messageOf(error));
			return cache.get(source)?.written;
		}
	}

	async function readSource(source: HostSource): Promise<WrittenFormats> {
		const version = source.version();
		const known = cache.get(source);
		if (known?.version === version) return known.written;
		const encoded = encodeSnapshot(await source.read(), HOST_LIMITS);
		if (!encoded.ok) throw new Error(`the host's own metrics could not be read: ${encoded.message}`);
		const written = await slicer.run(checkAndWrite(encoded.bytes, sink), { urgent: true });
		cache.set(source, { version, written });
		stamp++;
		return written;
	}
}

/** The blocks of the families that `wanted` picks, in the order of the bytes; neighbours come as one block. */
export function blocksOf(
	written: WrittenFormats,
	format: PageFormat,
	wanted: (family: string) => boolean,
): readonly Buffer[] {
	const { bytes, spans } = written[format];
	const blocks: Buffer[] = [];
	let from = 0;
	let to = 0;
	for (const [family, { start, end }] of spans) {
		if (!wanted(family)) continue;
		if (start !== to) {
			if (to > from) blocks.push(bytes.subarray(from, to));
			from = start;
		}
		to = end;
	}
	if (to > from) blocks.push(bytes.subarray(from, to));
	return blocks;
}

/** A family with its head, or only its samples. */
export function familyBytes(
	written: WrittenFormats,
	format: PageFormat,
	family: string,
	part: "whole" | "samples",
): Buffer | undefined {
	const { bytes, spans } = written[format];
	const span: FamilySpan | undefined = spans.get(family);
	return span === undefined ? undefined : bytes.subarray(part === "whole" ? span.start : span.body, span.end);
}

/** Label sets of the host's families are bounded by the modules there are; these only bound a mistake. */
const HOST_LIMITS = { maxBytes: 16 * 1024 * 1024, maxSamples: 250_000 };
const HOST_RULES = {
	maxSeries: HOST_LIMITS.maxSamples,
	maxLabels: 30,
	maxLabelLength: 1024,
	isReserved: () => false,
	forcedLabel: () => undefined,
};

function* checkAndWrite(bytes: Uint8Array, sink: DropSink): Generator<undefined, WrittenFormats> {
	const reading = yield* readSnapshot(bytes, HOST_RULES, sink);
	if (!reading.ok) throw new Error(`the host's own metrics could not be read: ${reading.message}`);
	return yield* writeFamilies(reading.families);
}
