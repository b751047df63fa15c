/**
 * Composes pages: which parts, in which order, in which format; never a sample, only bytes that are ready.
 *
 * A family that one module has alone stays in that module's bytes, as one part with the rest of them. A family that
 * several have part in becomes a part of its own: its owner's head and samples, then the samples of the others, so that
 * there is one HELP and TYPE block however many modules fill it.
 */
import { randomUUID } from "node:crypto";
import type { PageFormat, WrittenFamilies, WrittenFormats } from "../exposition/exposition-writer.ts";
import { LEGACY_FORMATS } from "../exposition/exposition-writer.ts";
import { type FamilySharing, ownFilter } from "../ownership/family-sharing.ts";
import type { PagePart } from "./gzip-join.ts";
import { createPagePart, gzipParts } from "./gzip-join.ts";
import type { HostPart, HostReader } from "../self/host-source.ts";
import { blocksOf, familyBytes } from "../self/host-source.ts";
import { acceptsGzip, negotiateFormat } from "./negotiation.ts";
import { createPartCache, type PartCache, partOf } from "./page-chunk.ts";

export interface PageRequest {
	/** The header of that name. */
	readonly accept?: string | undefined;
	readonly acceptEncoding?: string | undefined;
	/** Only these modules' families, without the host's. */
	readonly moduleIds?: readonly string[] | undefined;
}

/** A page ready to be written: the headers, and the body as buffers one after the other. */
export interface MetricsPage {
	/** Content-Type, Content-Length, ETag, Vary, and Content-Encoding where the body is compressed. */
	readonly headers: Readonly<Record<string, string>>;
	readonly etag: string;
	readonly body: readonly Buffer[];
}

/** What the composer needs to know of a module. */
export interface PageModule {
	readonly shown:
		| {
				readonly written: WrittenFormats;
				readonly series: number;
				/** When it was collected, in milliseconds since the epoch. */
				readonly at: number;
				/** Another number for every snapshot of every module. */
				readonly version: number;
				readonly hasUtf8: boolean;
		  }
		| undefined;
}

export interface PageComposer {
	page(request: PageRequest): Promise<MetricsPage | undefined>;
	/** A module has a new snapshot: compresses it now, off the main thread, for scrapers that have lately asked for gzip. */
	prepare(moduleId: string): void;
}

export function createPageComposer(options: {
	readonly host: HostReader;
	readonly sharing: () => FamilySharing;
	readonly modules: () => ReadonlyMap<string, PageModule>;
	/** Another number than before when any module's part of the page is different. */
	readonly version: () => number;
	/** Whether a page was there from an earlier scrape, or had to be composed. */
	readonly onLookup?: ((result: "hit" | "miss") => void) | undefined;
}): PageComposer {
	const bootId = randomUUID().slice(0, 8);
	const own = new WeakMap<NonNullable<PageModule["shown"]>, OwnParts>();
	const shared = createPartCache();
	const selected = createPartCache();
	const pages = new Map<PageFormat, ComposedPage>();
	/** What every module has alone, which is the same while only the host's families change. */
	const everyModules = new Map<PageFormat, readonly PagePart[]>();
	/** What `everyModules` is made from, and `pages` with it. */
	let modulesStamp = "";
	/** Formats that are scraped with gzip, with how many modules have been prepared since the last time. */
	const gzipped = new Map<PageFormat, number>();

	return {
		async page({ accept, acceptEncoding, moduleIds }) {
			const { format, contentType } = negotiateFormat(accept);
			if (moduleIds?.some((id) => !options.modules().has(id)) === true) return undefined;
			const host = moduleIds === undefined ? await options.host.read(format) : undefined;
			const stamp = `${bootId}-${options.version()}-${host?.stamp ?? 0}-${options.sharing().epoch}`;
			let page = host === undefined ? undefined : pages.get(format);
			options.onLookup?.(page?.stamp === stamp ? "hit" : "miss");
			if (page?.stamp !== stamp) {
				const parts = host === undefined ? partsOf(moduleIds ?? [], format) : allParts(host, format);
				page = { stamp, parts: isOpenMetrics(format) ? [...parts, END_OF_OPENMETRICS] : parts };
				if (host !== undefined) pages.set(format, page);
			}
			const isGzip = acceptsGzip(acceptEncoding);
			if (isGzip) gzipped.set(format, 0);
			const body = isGzip ? await gzipParts(page.parts) : page.parts.map(({ bytes }) => bytes);
			const etag = `"${stamp}-${format}${isGzip ? "-gzip" : ""}"`;
			return { etag, body, headers: headersOf(body, contentType, etag, isGzip) };
		},
		prepare(moduleId) {
			const shown = options.modules().get(moduleId)?.shown;
			if (shown === undefined) return;
			for (const [format, idle] of gzipped) {
				if (idle > PREPARE_FOR_SNAPSHOTS * options.modules().size) gzipped.delete(format);
				else gzipped.set(format, idle + 1);
				void modulePart(moduleId, shown, format).deflated();
			}
		},
	};

	/** The families that a module has alone. */
	function modulePart(moduleId: string, shown: NonNullable<PageModule["shown"]>, format: PageFormat): PagePart {
		const { epoch } = options.sharing();
		let kept = own.get(shown);
		if (kept?.epoch !== epoch) own.set(shown, (kept = { epoch, parts: new Map() }));
		const { parts } = kept;
		const key = shown.hasUtf8 ? format : LEGACY_FORMATS[format];
		let part = parts.get(key);
		if (part === undefined) parts.set(key, (part = partOf(ownBytes(moduleId, shown.written[format]))));
		return part;
	}

	function ownBytes(moduleId: string, written: WrittenFamilies): Buffer {
		const wanted = ownFilter(options.sharing(), moduleId);
		return wanted === undefined ? written.bytes : onlyBytes(written, wanted);
	}

	function allParts(host: HostPart, format: PageFormat): readonly PagePart[] {
		const moduleIds = [...options.modules().keys()].toSorted();
		const { shared: sharedNames } = options.sharing();
		const isOwn = (family: string): boolean => !sharedNames.has(family);
		const parts: PagePart[] = [createPagePart(Buffer.concat(host.written.map((written) => onlyBytes(written, isOwn))))];
		for (const name of sharedNames.keys()) parts.push(...sharedPart(shared, name, moduleIds, host, format));
		shared.sweep();
		parts.push(...everyModulesParts(moduleIds, format));
		return parts.filter(({ bytes }) => bytes.length > 0);
	}

	function everyModulesParts(moduleIds: readonly string[], format: PageFormat): readonly PagePart[] {
		const stamp = `${options.version()} ${options.sharing().epoch}`;
		if (stamp !== modulesStamp) {
			// They hold bytes that nobody will ask for again, in formats that perhaps nobody asks for any more.
			everyModules.clear();
			pages.clear();
			modulesStamp = stamp;
		}
		let parts = everyModules.get(format);
		if (parts === undefined) everyModules.set(format, (parts = ownParts(moduleIds, format)));
		return parts;
	}

	/** Some modules, without the host: what they share among themselves is still one block. */
	function partsOf(moduleIds: readonly string[], format: PageFormat): readonly PagePart[] {
		const ids = [...new Set(moduleIds)].toSorted();
		const [only, ...others] = ids;
		if (only !== undefined && others.length === 0) {
			const shown = options.modules().get(only)?.shown;
			return shown === undefined ? [] : [partOf(shown.written[format].bytes)];
		}
		const parts: PagePart[] = [];
		for (const name of options.sharing().shared.keys())
			parts.push(...sharedPart(selected, name, ids, undefined, format));
		parts.push(...ownParts(ids, format));
		selected.sweep();
		return parts.filter(({ bytes }) => bytes.length > 0);
	}

	function ownParts(moduleIds: readonly string[], format: PageFormat): readonly PagePart[] {
		return moduleIds.flatMap((moduleId) => {
			const shown = options.modules().get(moduleId)?.shown;
			return shown === undefined ? [] : [modulePart(moduleId, shown, format)];
		});
	}

	/** One family, as far as these modules and the host have it; nothing when none of them does. */
	function sharedPart(
		cache: PartCache,
		family: string,
		moduleIds: readonly string[],
		host: HostPart | undefined,
		format: PageFormat,
	): readonly PagePart[] {
		const modules = options.modules();
		const hostWritten = host?.written.find(({ spans }) => spans.has(family));
		const contributors = (options.sharing().shared.get(family) ?? [])
			.filter((moduleId) => moduleIds.includes(moduleId))
			.flatMap((moduleId) => modules.get(moduleId)?.shown ?? [])
			.filter(({ written }) => written[format].spans.has(family));
		const sources = [
			...(hostWritten === undefined ? [] : [hostWritten]),
			...contributors.map(({ written }) => written[format]),
		];
		const stamp = `${hostWritten === undefined ? 0 : host?.stamp} ${contributors.map(({ version }) => version).join()}`;
		if (sources.length === 0) return [];
		// The stamp names the snapshots, so two selections with the same contributors share a part.
		const part = cache.get(`${family} ${format}`, stamp, () =>
			Buffer.concat(
				sources.flatMap((written, index) => familyBytes(written, family, index === 0 ? "whole" : "samples") ?? []),
			),
		);
		return [part];
	}
}

/** The families that are wanted, as the bytes themselves where that is all of them. */
function onlyBytes(written: WrittenFamilies, wanted: (family: string) => boolean): Buffer {
	return written.spans.keys().every(wanted) ? written.bytes : Buffer.concat(blocksOf(written, wanted));
}

/** Snapshots of each module for which a format goes on being compressed in advance while nobody asks for it. */
const PREPARE_FOR_SNAPSHOTS = 20;

/** The parts of one snapshot, for as long as it is shown. */
interface OwnParts {
	readonly epoch: number;
	readonly parts: Map<PageFormat, PagePart>;
}

interface ComposedPage {
	readonly stamp: string;
	readonly parts: readonly PagePart[];
}

const END_OF_OPENMETRICS = createPagePart(Buffer.from("# EOF\n"));

function isOpenMetrics(format: PageFormat): boolean {
	return format === "openmetrics" || format === "openmetrics-utf8";
}

function headersOf(
	body: readonly Buffer[],
	contentType: string,
	etag: string,
	isGzip: boolean,
): Readonly<Record<string, string>> {
	const length = body.reduce((sum, { length: bytes }) => sum + bytes, 0);
	return {
		"Content-Type": contentType,
		"Content-Length": String(length),
		...(isGzip ? { "Content-Encoding": "gzip" } : {}),
		ETag: etag,
		Vary: "Accept, Accept-Encoding",
	};
}
