import assert from "node:assert/strict";
import { test } from "node:test";
import { type CatalogConflict, createCatalog } from "../../src/mcp/catalog.ts";
import type { CatalogDto, EraCatalogDto } from "../../workers/protocol.ts";

function offers(lists: Partial<EraCatalogDto>): CatalogDto {
	const era = { tools: [], prompts: [], resources: [], resourceTemplates: [], ...lists };
	return { legacy: era, modern: era };
}
const tools = (...names: readonly string[]): CatalogDto => offers({ tools: names.map((name) => ({ name })) });

function withConflicts(): { catalog: ReturnType<typeof createCatalog>; conflicts: [string, CatalogConflict][] } {
	const conflicts: [string, CatalogConflict][] = [];
	return { conflicts, catalog: createCatalog({ onConflict: (id, conflict) => void conflicts.push([id, conflict]) }) };
}

test("once sealed, a name stays with the module that had it first, through restarts and reloads", () => {
	const { catalog, conflicts } = withConflicts();
	catalog.seal();
	catalog.set("mcps/b", tools("x", "y"));
	catalog.set("mcps/a", tools("x", "z"));
	assert.equal(catalog.owner("tools", "x"), "mcps/b");
	assert.deepEqual(conflicts, [["mcps/a", { list: "tools", name: "x", owner: "mcps/b" }]]);
	catalog.set("mcps/a", tools("x", "z"));
	catalog.set("mcps/b", tools("x", "y"));
	assert.equal(catalog.owner("tools", "x"), "mcps/b");
	assert.equal(conflicts.length, 1, "a conflict is reported once");
	assert.deepEqual(catalog.list("tools", "modern"), [{ name: "z" }, { name: "x" }, { name: "y" }]);
	assert.deepEqual(catalog.counts("mcps/a"), { tools: 1, prompts: 0, resources: 0, resourceTemplates: 0 });
});

test("before it is sealed the order of starting does not matter", () => {
	const { catalog } = withConflicts();
	catalog.set("mcps/b", tools("x"));
	catalog.set("mcps/a", tools("x"));
	catalog.seal();
	assert.equal(catalog.owner("tools", "x"), "mcps/a");
});

test("a name is free when its owner gives it up or goes", () => {
	const { catalog, conflicts } = withConflicts();
	catalog.seal();
	catalog.set("mcps/b", tools("x"));
	catalog.set("mcps/a", tools("x"));
	catalog.set("mcps/b", tools("y"));
	assert.equal(catalog.owner("tools", "x"), "mcps/a");
	catalog.remove("mcps/a");
	assert.equal(catalog.owner("tools", "x"), undefined);
	assert.equal(conflicts.length, 1);
});

test("only lists whose content changed are reported", () => {
	const { catalog } = withConflicts();
	assert.deepEqual([...catalog.set("mcps/a", tools("x"))], ["tools"]);
	assert.deepEqual([...catalog.set("mcps/a", tools("x"))], []);
	assert.deepEqual(
		[...catalog.set("mcps/a", offers({ tools: [{ name: "x" }], prompts: [{ name: "p" }] }))],
		["prompts"],
	);
	assert.deepEqual([...catalog.set("mcps/a", offers({ tools: [{ name: "x", title: "X" }] }))], ["tools", "prompts"]);
	assert.deepEqual([...catalog.remove("mcps/nobody")], []);
});

test("what a module lists for one request is in no other's list, and holds back no news", () => {
	const { catalog } = withConflicts();
	const template = { resourceTemplates: [{ uriTemplate: "doc://{name}" }] };
	const documents = (...names: readonly string[]): CatalogDto["legacy"]["resources"] =>
		names.map((name) => ({ uri: `doc://${name}`, name }));
	catalog.seal();
	catalog.set("mcps/a", offers({ ...template, resources: documents("old") }));
	for (const era of ["legacy", "modern"] as const) {
		assert.deepEqual(catalog.resources(era, new Map([["mcps/a", documents("new")]])), documents("new"));
		assert.deepEqual(catalog.resources(era, new Map()), documents("old"));
		assert.deepEqual(catalog.list("resources", era), documents("old"));
	}
	assert.deepEqual([...catalog.set("mcps/b", tools("x"))], ["tools"], "nothing that somebody listed is news");
	assert.deepEqual(
		[...catalog.set("mcps/a", offers({ ...template, resources: documents("new") }))],
		["resources"],
		"not even to clients of either era that have seen it",
	);
});

test("a resource that a module lists is its own: another's of the same URI is refused, also in the same request", () => {
	const { catalog, conflicts } = withConflicts();
	const template = (scheme: string): CatalogDto =>
		offers({ resourceTemplates: [{ uriTemplate: `${scheme}://{name}` }] });
	const same = { uri: "doc://x", name: "x" };
	catalog.set("mcps/a", template("a"));
	catalog.set("mcps/b", template("b"));
	catalog.seal();
	const listed = new Map([
		["mcps/b", [same, same]],
		["mcps/a", [same]],
	]);
	assert.deepEqual(catalog.resources("modern", listed), [same]);
	assert.equal(catalog.owner("resources", "doc://x"), "mcps/a");
	catalog.set("mcps/c", offers({ resources: [same] }));
	assert.deepEqual(
		conflicts.map(([id, { owner }]) => [id, owner]),
		[
			["mcps/b", "mcps/a"],
			["mcps/c", "mcps/a"],
		],
	);
	assert.deepEqual(catalog.resources("modern", new Map([["mcps/gone", [same]]])), []);
});

test("templates are asked by their literal beginning, the longest first", () => {
	const { catalog } = withConflicts();
	catalog.set("mcps/a", offers({ resourceTemplates: [{ uriTemplate: "db://{table}" }] }));
	catalog.set(
		"mcps/b",
		offers({ resourceTemplates: [{ uriTemplate: "db://users/{id}" }, { uriTemplate: "x://{y}" }] }),
	);
	assert.deepEqual(catalog.templateOwners("db://users/7"), ["mcps/b", "mcps/a"]);
	assert.deepEqual(catalog.templateOwners("db://orders"), ["mcps/a"]);
	assert.deepEqual(catalog.templateOwners("file:///"), []);
});

test("a name given twice by one module counts once, and names of the language's own objects are names", () => {
	const { catalog, conflicts } = withConflicts();
	catalog.set("mcps/a", tools("x", "x", "__proto__", "constructor"));
	assert.deepEqual(catalog.list("tools", "legacy").length, 3);
	assert.equal(catalog.owner("tools", "__proto__"), "mcps/a");
	assert.equal(catalog.owner("tools", "toString"), undefined);
	assert.deepEqual(conflicts, []);
});
