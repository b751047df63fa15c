/**
 * The host's own families on the page: written anew when they changed.
 */
import { messageOf } from "../../core/errors.ts";
import type { DropSink } from "../drops/drop-log.ts";
import type { FamilySpan, PageFormat, SeriesTexts, WrittenFamilies } from "../exposition/exposition-writer.ts";
import { LEGACY_FORMATS, writeFormat } from "../exposition/exposition-writer.ts";
import { type CheckedFamily, YIELD_EVERY } from "../validate/family.ts";
import { createFamilyCollector } from "../validate/family-collector.ts";
import type { MetricType } from "../validate/metric-names.ts";
import type { Slicer } from "../../core/time-slicer.ts";

/**
 * A few families of the host that change together: either the host's own, which are right as they are, or those of a
 * client library, which pass the checks that a module's do.
 */
export type HostSource = CheckedSource | LibrarySource;

interface SourceNames {
	readonly families: readonly { readonly name: string; readonly type: MetricType }[];
	/** Another number than before when the source would give something else than before. */
	version(): number;
}

export interface CheckedSource extends SourceNames {
	/**
	 * Called once for each format that is scraped and has not been written since the version changed. A series that has
	 * changed is another object than before.
	 */
	checked(): readonly CheckedFamily[];
}

export interface LibrarySource extends SourceNames {
	/** As `checked`. */
	read(): Promise<readonly HostFamily[]>;
}

/** A family as prom-client's `getMetricsAsJSON()` gives it. */
export interface HostFamily {
	readonly name: string;
	readonly help: string;
	readonly type: unknown;
	readonly values: readonly {
		readonly labels: Readonly<Record<string, string | number | undefined>>;
		readonly value: number;
		/** Where it is not the family's. */
		readonly metricName?: string;
	}[];
}

/** The host's part of a page, in one format. */
export interface HostPart {
	/** Another number than before when anything in it is different. */
	readonly stamp: number;
	readonly written: readonly WrittenFamilies[];
}

/** What changes all the time is read at most this often. */
export const REFRESH_MS = 1000;

export interface HostReader {
	/** Reads what has changed since the last time in this format. Several callers of it at once share one reading. */
	read(format: PageFormat): Promise<HostPart>;
}

/**
 * What is sampled anew each second is read again at the beginning of the second after one with a scrape, in slices and before
 * the next scrape has to wait for it; with no scrape in between, not a second time.
 *
 * @param sink is told of what the host's own families lost, which is a defect of the host
 */
export function createHostReader(sources: readonly HostSource[], slicer: Slicer, sink: DropSink): HostReader {
	const readers = new Map<PageFormat, () => Promise<HostPart>>();
	return {
		read(asked) {
			const format = LEGACY_FORMATS[asked];
			let read = readers.get(format);
			if (read === undefined) readers.set(format, (read = formatReader(format, sources, slicer, sink)));
			return read();
		},
	};
}

/** The formats apart: nearly every host is scraped in one, and a scrape waits for what is written. */
function formatReader(
	format: PageFormat,
	sources: readonly HostSource[],
	slicer: Slicer,
	sink: DropSink,
): () => Promise<HostPart> {
	const cache = new Map<HostSource, { readonly version: number; readonly written: WrittenFamilies }>();
	const texts: SeriesTexts = new WeakMap();
	let stamp = 0;
	let reading: Promise<HostPart> | undefined;
	let ahead: NodeJS.Timeout | undefined;
	return () => {
		ahead ??= setTimeout(readAhead, REFRESH_MS - (Date.now() % REFRESH_MS)).unref();
		return readOnce({ urgent: true });
	};

	function readAhead(): void {
		ahead = undefined;
		void readOnce({ urgent: false });
	}

	function readOnce(how: { readonly urgent: boolean }): Promise<HostPart> {
		reading ??= readAll(how).finally(() => {
			reading = undefined;
		});
		return reading;
	}

	/** Never rejects. */
	async function readAll(how: { readonly urgent: boolean }): Promise<HostPart> {
		const changed = sources.filter((source) => cache.get(source)?.version !== source.version());
		const read = await Promise.all(changed.map(readAnew));
		const known = read.filter((each) => each !== undefined);
		await slicer.run(writeAll(known), how);
		return { stamp, written: sources.flatMap((source) => cache.get(source)?.written ?? []) };
	}

	/** A family that cannot be read now (`/proc` out of file descriptors) must not cost the scrape: what it was stays. */
	async function readAnew(source: HostSource): Promise<Read | undefined> {
		try {
			const version = source.version();
			return { source, version, library: "checked" in source ? [] : await source.read() };
		} catch (error) {
			lost(source, error);
			return undefined;
		}
	}

	function lost(source: HostSource, error: unknown): void {
		sink.drop("collect_error", source.families[0]?.name ?? "", messageOf(error));
	}

	/** As one job, so that all that a scrape waits for has one slice at once, and not one each. */
	function* writeAll(read: readonly Read[]): Generator<undefined, void> {
		for (const { source, version, library } of read) {
			try {
				const isChecked = "checked" in source;
				const families = isChecked ? source.checked() : yield* check(library, sink);
				cache.set(source, { version, written: yield* writeFormat(families, format, isChecked ? texts : undefined) });
				stamp++;
			} catch (error) {
				lost(source, error);
			}
		}
	}
}

interface Read {
	readonly source: HostSource;
	readonly version: number;
	/** What a client library's source gave. */
	readonly library: readonly HostFamily[];
}

/** The blocks of the families that `wanted` picks, in the order of the bytes; neighbours come as one block. */
export function blocksOf({ bytes, spans }: WrittenFamilies, wanted: (family: string) => boolean): readonly Buffer[] {
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
	{ bytes, spans }: WrittenFamilies,
	family: string,
	part: "whole" | "samples",
): Buffer | undefined {
	const span: FamilySpan | undefined = spans.get(family);
	return span === undefined ? undefined : bytes.subarray(part === "whole" ? span.start : span.body, span.end);
}

/** Label sets of the host's families are bounded by the modules there are; these only bound a mistake. */
const HOST_RULES = {
	maxSeries: 250_000,
	maxLabels: 30,
	maxLabelLength: 1024,
	isReserved: () => false,
	forcedLabel: () => undefined,
};

/** Without the bytes in between: the objects are prom-client's of this process, not somebody's who wants to harm. */
function* check(families: readonly HostFamily[], sink: DropSink): Generator<undefined, readonly CheckedFamily[]> {
	const collector = createFamilyCollector(HOST_RULES, sink);
	let samples = 0;
	for (const { name, help, type, values } of families) {
		collector.family(["f", name, help, type]);
		for (const { labels, value, metricName = 0 } of values) {
			collector.sample([labelsOf(labels), value, metricName]);
			if (++samples % YIELD_EVERY === 0) yield;
		}
	}
	return yield* collector.finish();
}

/** As the lines of a snapshot carry them. */
function labelsOf(labels: HostFamily["values"][number]["labels"]): readonly string[] {
	const flat: string[] = [];
	for (const name in labels) {
		const value = labels[name];
		if (value !== undefined) flat.push(name, `${value}`);
	}
	return flat;
}
