import { hash } from "node:crypto";
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
 * @param owner whose list it is; a cursor of somebody else is none
 * @throws {ProtocolError} when the cursor is none of ours
 */
export function pageOf<Entry>(
	entries: readonly Entry[],
	keyOf: (entry: Entry) => CatalogKey,
	cursor: string | undefined,
	size: number,
	owner?: string,
): Page<Entry> {
	const start = cursor === undefined ? 0 : firstAfter(entries, keyOf, readCursor(cursor, owner));
	const page = entries.slice(start, start + size);
	const last = page.at(-1);
	const more = last !== undefined && start + size < entries.length;
	return { entries: page, nextCursor: more ? writeCursor(keyOf(last), owner) : undefined };
}

function firstAfter<Entry>(entries: readonly Entry[], keyOf: (entry: Entry) => CatalogKey, after: CatalogKey): number {
	const index = entries.findIndex((entry) => compareKeys(keyOf(entry), after) > 0);
	return index < 0 ? entries.length : index;
}

function writeCursor({ moduleId, name }: CatalogKey, owner: string | undefined): string {
	return Buffer.from(JSON.stringify([moduleId, name, ...markOf(owner)])).toString("base64url");
}

/** Tells the lists of principals apart. A forged one shows nothing that its maker does not see anyway. */
function markOf(owner: string | undefined): readonly string[] {
	return owner === undefined ? [] : [hash("sha256", owner, "base64url").slice(0, 11)];
}

function readCursor(cursor: string, owner: string | undefined): CatalogKey {
	const parsed = parseJson(Buffer.from(cursor, "base64url").toString());
	if (Array.isArray(parsed) && !isRecord(parsed)) {
		const [moduleId, name, mark] = parsed as unknown[];
		const isOwn = mark === markOf(owner)[0];
		if (typeof moduleId === "string" && typeof name === "string" && isOwn) return { moduleId, name };
	}
	throw new ProtocolError(ProtocolErrorCode.InvalidParams, "Invalid cursor: list again from the start");
}
