import { ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import { type CatalogKey, compareKeys } from "./catalog-key.ts";
import { isRecord, parseJson } from "../../../workers/wire/json.ts";

export interface Page<Entry> {
	readonly entries: readonly Entry[];
	readonly nextCursor: string | undefined;
}

/**
 * A page of a sorted list. The cursor says after which key the next page begins, not at which place, so a list that changes
 * between two pages neither repeats nor skips what stays in it.
 *
 * @param keyOf the keys rise along the list
 * @throws {ProtocolError} when the cursor is none of ours
 */
export function pageOf<Entry>(
	entries: readonly Entry[],
	keyOf: (entry: Entry) => CatalogKey,
	cursor: string | undefined,
	size: number,
): Page<Entry> {
	const start = cursor === undefined ? 0 : firstAfter(entries, keyOf, readCursor(cursor));
	const page = entries.slice(start, start + size);
	const last = page.at(-1);
	const more = last !== undefined && start + size < entries.length;
	return { entries: page, nextCursor: more ? writeCursor(keyOf(last)) : undefined };
}

function firstAfter<Entry>(entries: readonly Entry[], keyOf: (entry: Entry) => CatalogKey, after: CatalogKey): number {
	const index = entries.findIndex((entry) => compareKeys(keyOf(entry), after) > 0);
	return index < 0 ? entries.length : index;
}

function writeCursor({ moduleId, name }: CatalogKey): string {
	return Buffer.from(JSON.stringify([moduleId, name])).toString("base64url");
}

function readCursor(cursor: string): CatalogKey {
	const parsed = parseJson(Buffer.from(cursor, "base64url").toString());
	if (Array.isArray(parsed) && !isRecord(parsed)) {
		const [moduleId, name] = parsed as unknown[];
		if (typeof moduleId === "string" && typeof name === "string") return { moduleId, name };
	}
	throw new ProtocolError(ProtocolErrorCode.InvalidParams, "Invalid cursor: list again from the start");
}
