import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readCatalogue } from "../support/chaos-catalogue.ts";
import { limitsTable, withTable } from "../support/chaos-limits.ts";

test("docs/limits.md says of each wall what the fixtures of the chaos suite expect", () => {
	const page = readFileSync(new URL("../../docs/limits.md", import.meta.url), "utf8");
	assert.equal(page, withTable(page, limitsTable(readCatalogue())), "run `npm run limits`");
});

test("there is a fixture for each of at least forty misbehaviours, and each says what it does", () => {
	const fixtures = readCatalogue();
	assert.ok(fixtures.length >= 40, `${fixtures.length}`);
	assert.equal(new Set(fixtures.map(({ description }) => description)).size, fixtures.length);
	for (const { name, description } of fixtures) assert.match(description, /^[A-Z].+\.$/, name);
});
