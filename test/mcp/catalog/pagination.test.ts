import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtocolError } from "@modelcontextprotocol/server";
import { type CatalogKey, compareKeys } from "../../../src/mcp/catalog/catalog-key.ts";
import { pageOf } from "../../../src/mcp/catalog/pagination.ts";

const key = (name: string, moduleId = "mcps/a"): CatalogKey => ({ moduleId, name });
const same = (entry: CatalogKey): CatalogKey => entry;

test("pages follow each other until the list has ended", () => {
	const list = [key("a"), key("b"), key("c"), key("a", "mcps/b"), key("b", "mcps/b")];
	const seen: CatalogKey[] = [];
	let cursor: string | undefined;
	do {
		const page = pageOf(list, same, cursor, 2);
		seen.push(...page.entries);
		cursor = page.nextCursor;
	} while (cursor !== undefined);
	assert.deepEqual(seen, list);
	assert.equal(pageOf([], same, undefined, 2).nextCursor, undefined);
	assert.equal(pageOf(list, same, undefined, 5).nextCursor, undefined, "a full last page is the last");
});

test("a cursor survives that entries come and go, the one it names included", () => {
	const before = ["a", "c", "e", "g"].map((name) => key(name));
	const { nextCursor } = pageOf(before, same, undefined, 2);
	const after = ["b", "d", "e", "f", "g"].map((name) => key(name)).toSorted(compareKeys);
	assert.deepEqual(
		pageOf(after, same, nextCursor, 10).entries.map(({ name }) => name),
		["d", "e", "f", "g"],
	);
});

test("a cursor that nobody gave is an error of the client's", () => {
	for (const cursor of ["", "x", "W10", Buffer.from('{"a":1}').toString("base64url"), "[]"]) {
		assert.throws(() => pageOf([key("a")], same, cursor, 2), ProtocolError, cursor);
	}
});
