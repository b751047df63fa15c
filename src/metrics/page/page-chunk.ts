/** Parts of pages that are kept from one page to the next, with what they were compressed to. */
import type { PagePart } from "./gzip-join.ts";
import { createPagePart } from "./gzip-join.ts";

export interface PartCache {
	/** @param stamp of what the bytes are made from; the part is made anew when it is another than before */
	get(key: string, stamp: string, make: () => Buffer): PagePart;
	/** Call once a page: forgets what no page has asked for since a while, of families that are gone. */
	sweep(): void;
}

export function createPartCache(): PartCache {
	let recent = new Map<string, CachedPart>();
	let older = new Map<string, CachedPart>();
	let pagesSince = 0;

	return {
		get(key, stamp, make) {
			let cached = recent.get(key) ?? older.get(key);
			older.delete(key);
			if (cached?.stamp !== stamp) cached = { stamp, part: partOf(make()) };
			recent.set(key, cached);
			return cached.part;
		},
		sweep() {
			pagesSince++;
			if (pagesSince < SWEEP_EVERY_PAGES) return;
			pagesSince = 0;
			older = recent;
			recent = new Map();
		},
	};
}

/** The part of these very bytes: the same one each time, so that no two pages compress them. */
export function partOf(bytes: Buffer): PagePart {
	let part = PARTS.get(bytes);
	if (part === undefined) PARTS.set(bytes, (part = createPagePart(bytes)));
	return part;
}

const PARTS = new WeakMap<Buffer, PagePart>();

interface CachedPart {
	readonly stamp: string;
	readonly part: PagePart;
}

const SWEEP_EVERY_PAGES = 8;
