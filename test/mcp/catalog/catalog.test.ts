import assert from "node:assert/strict";
import { test } from "node:test";
import { createCatalog, MAX_LISTED } from "../../../src/mcp/catalog/catalog.ts";
import type { McpName } from "../../../src/mcp/catalog/name-owner-format.ts";
import type { NameConflict } from "../../../src/mcp/catalog/name-ownership.ts";
import type { OwnedNames } from "../../../src/state/owner-file.ts";
import type { CatalogDto, EraCatalogDto } from "../../../workers/wire/catalog.ts";

function offers(lists: Partial<EraCatalogDto>): CatalogDto {
	const era = { tools: [], prompts: [], resources: [], resourceTemplates: [], ...lists };
	const complete = { ...era, tools: era.tools.map(tool), resourceTemplates: era.resourceTemplates.map(named) };
	return { legacy: complete, modern: complete };
}
/** What every tool has to have. */
const tool = (entry: object): Readonly<Record<string, unknown>> => ({ inputSchema: { type: "object" }, ...entry });
const named = (entry: object): Readonly<Record<string, unknown>> => ({ name: "template", ...entry });
const tools = (...names: readonly string[]): CatalogDto => offers({ tools: names.map((name) => ({ name })) });

function withConflicts(kept: readonly OwnedNames<McpName>[] = []) {
	const conflicts: [string, NameConflict][] = [];
	const tooLong: [string, number][] = [];
	const told: [string, unknown][] = [];
	let owned = (): Iterable<OwnedNames<McpName>> => kept;
	const catalog = createCatalog({
		kept,
		onChange: (now) => {
			owned = now;
		},
		onConflict: (id, conflict) => void conflicts.push([id, conflict]),
		onListTooLong: (id, length) => void tooLong.push([id, length]),
		onRejected: (id, rejected) => void told.push([id, rejected]),
		onWarning: (id, warning) => void told.push([id, warning]),
	});
	return { conflicts, tooLong, told, catalog, owned: () => [...owned()] };
}

test("once sealed, a name stays with the module that had it first, through restarts and reloads", () => {
	const { catalog, conflicts } = withConflicts();
	catalog.seal(["mcps/a", "mcps/b"]);
	catalog.set("mcps/b", tools("x", "y"));
	catalog.set("mcps/a", tools("x", "z"));
	assert.equal(catalog.owner("tools", "x"), "mcps/b");
	assert.deepEqual(conflicts, [["mcps/a", { list: "tools", name: "x", owner: "mcps/b" }]]);
	catalog.set("mcps/a", tools("x", "z"));
	catalog.set("mcps/b", tools("x", "y"));
	assert.equal(catalog.owner("tools", "x"), "mcps/b");
	assert.equal(conflicts.length, 1, "a conflict is reported once");
	assert.deepEqual(catalog.list("tools", "modern"), [{ name: "z" }, { name: "x" }, { name: "y" }].map(tool));
	assert.deepEqual(catalog.counts("mcps/a"), { tools: 1, prompts: 0, resources: 0, resourceTemplates: 0 });
});

test("before it is sealed the order of starting does not matter", () => {
	const { catalog } = withConflicts();
	catalog.set("mcps/b", tools("x"));
	catalog.set("mcps/a", tools("x"));
	catalog.seal(["mcps/a", "mcps/b"]);
	assert.equal(catalog.owner("tools", "x"), "mcps/a");
});

test("a name is free when its owner gives it up or goes", () => {
	const { catalog, conflicts } = withConflicts();
	catalog.seal(["mcps/a", "mcps/b"]);
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
	catalog.seal(["mcps/a", "mcps/b"]);
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
	catalog.seal(["mcps/a", "mcps/b"]);
	const listed = new Map([
		["mcps/b", [same, same]],
		["mcps/a", [same]],
	]);
	assert.deepEqual(catalog.resources("modern", listed), [same]);
	assert.equal(catalog.owner("resources", "doc://x"), "mcps/a");
	catalog.set("mcps/c", offers({ resources: [same] }));
	assert.deepEqual(conflicts, [["mcps/c", { list: "resources", name: "doc://x", owner: "mcps/a" }]]);
	assert.deepEqual(
		catalog.conflicts("mcps/b"),
		[{ list: "resources", name: "doc://x", owner: "mcps/a" }],
		"it is there to see, and no news",
	);
	assert.deepEqual(catalog.resources("modern", new Map([["mcps/gone", [same]]])), []);

	assert.deepEqual(catalog.list("resources", "modern"), []);
	assert.deepEqual(catalog.resources("modern", new Map([["mcps/a", []]])), []);
	assert.equal(catalog.owner("resources", "doc://x"), "mcps/b", "the next that offers it has it");
	assert.deepEqual(catalog.resources("modern", new Map([["mcps/b", []]])), [same]);
	assert.equal(catalog.owner("resources", "doc://x"), "mcps/c");
	assert.deepEqual(catalog.list("resources", "modern"), [same], "which has registered it");
});

test("a conflict that comes and goes is told once until its module starts without the name, or goes", () => {
	const { catalog, conflicts } = withConflicts();
	catalog.seal(["mcps/a", "mcps/b"]);
	const told = (): readonly string[] => conflicts.splice(0).map(([id]) => id);
	for (let round = 0; round < 10; round++) {
		for (const id of ["mcps/a", "mcps/b"]) {
			catalog.relist(id, tools());
			catalog.relist(id, tools("x"));
		}
	}
	assert.deepEqual(
		told().toSorted((a, b) => (a < b ? -1 : 1)),
		["mcps/a", "mcps/b"],
	);
	catalog.set("mcps/a", tools("x"));
	assert.deepEqual(told(), []);
	catalog.set("mcps/a", tools());
	catalog.set("mcps/a", tools("x"));
	assert.deepEqual(told(), ["mcps/a"]);
	catalog.remove("mcps/a");
	catalog.set("mcps/a", tools("x"));
	assert.deepEqual(told(), ["mcps/a"]);
});

test("a module with many conflicts has a thousand of them told", () => {
	const { catalog, conflicts } = withConflicts();
	const many = Array.from({ length: 1001 }, (_, number) => `x${number}`);
	catalog.set("mcps/a", tools(...many));
	catalog.set("mcps/b", tools(...many));
	catalog.seal(["mcps/a", "mcps/b"]);
	assert.equal(conflicts.length, 1000);
	assert.equal(catalog.conflicts("mcps/b").length, 1001);
});

test("what a list callback makes up for who asks is no news, and rebuilds no list", () => {
	const { catalog, conflicts } = withConflicts();
	const documents = (count: number): readonly object[] =>
		Array.from({ length: count }, (_, number) => ({ uri: `doc://${number}`, name: "x" }));
	catalog.set("mcps/a", offers({ tools: [{ name: "x" }], resources: [{ uri: "doc://0", name: "registered" }] }));
	catalog.set("mcps/b", offers({ resourceTemplates: [{ uriTemplate: "doc://{name}" }] }));
	catalog.seal(["mcps/a", "mcps/b"]);
	const lists = (): readonly unknown[] => [catalog.list("tools", "modern"), catalog.list("resources", "modern")];
	const before = lists();
	for (let request = 0; request < 10; request++) {
		const count = (request % 2) * 5;
		const shown = catalog.resources("modern", new Map([["mcps/b", documents(count)]]));
		assert.equal(shown.length, Math.max(1, count), "the registered one, and those beside it");
	}
	assert.deepEqual(conflicts, []);
	for (const [index, list] of lists().entries()) assert.equal(list, before[index]);
});

test("of a long list of resources the first entries are taken, and its module is named once", () => {
	const { catalog, tooLong } = withConflicts();
	const template = offers({ resourceTemplates: [{ uriTemplate: "doc://{name}" }] });
	const said = new Map([
		["mcps/a", Array.from({ length: MAX_LISTED + 1 }, (_, number) => ({ uri: `doc://${number}`, name: "x" }))],
	]);
	catalog.set("mcps/a", template);
	catalog.seal(["mcps/a"]);
	for (const era of ["legacy", "modern"] as const) assert.equal(catalog.resources(era, said).length, 10_000);
	assert.equal(catalog.owner("resources", `doc://${MAX_LISTED}`), undefined);
	assert.deepEqual(tooLong, [["mcps/a", 10_001]]);
	catalog.set("mcps/a", template);
	catalog.resources("modern", said);
	assert.equal(tooLong.length, 2, "again when it has started anew");
});

test("templates are asked in the order in which they came to be owned, whatever spelling is asked for", () => {
	const { catalog, owned } = withConflicts();
	catalog.seal(["mcps/a", "mcps/b"]);
	catalog.set("mcps/b", offers({ resourceTemplates: [{ uriTemplate: "db://{+all}" }] }));
	const specific = [{ uriTemplate: "db://users/{id}" }, { uriTemplate: "http://Example.com/größe/{x}" }];
	catalog.set("mcps/a", offers({ resourceTemplates: specific }));
	assert.deepEqual(
		catalog.templateOwners("db://users/7"),
		["mcps/b", "mcps/a"],
		"a longer beginning takes nothing away",
	);
	assert.deepEqual(catalog.templateOwners("db://orders"), ["mcps/b"]);
	assert.deepEqual(catalog.templateOwners("http://example.com/gr%C3%B6%C3%9Fe/1"), ["mcps/a"]);
	assert.deepEqual(catalog.templateOwners("file:///"), []);
	const again = withConflicts(owned());
	again.catalog.set("mcps/a", offers({ resourceTemplates: specific }));
	again.catalog.set("mcps/b", offers({ resourceTemplates: [{ uriTemplate: "db://{+all}" }] }));
	again.catalog.seal(["mcps/a", "mcps/b"]);
	assert.deepEqual(
		again.catalog.templateOwners("db://users/7"),
		["mcps/b", "mcps/a"],
		"also after a restart of the host",
	);
});

test("a resource is found by the spelling that is listed, and by one that means the same", () => {
	const { catalog } = withConflicts();
	const resource = (uri: string): object => ({ uri, name: "x" });
	catalog.set("mcps/a", offers({ resources: [resource("http://Example.com"), resource("docs://a b")].map(named) }));
	catalog.set("mcps/b", offers({ resources: [resource("http://example.com/")].map(named) }));
	catalog.seal(["mcps/a", "mcps/b"]);
	assert.equal(catalog.resourceOwner("http://Example.com"), "mcps/a", "exact first");
	assert.equal(catalog.resourceOwner("http://example.com/"), "mcps/b");
	assert.equal(catalog.resourceOwner("HTTP://EXAMPLE.COM:80"), "mcps/b");
	assert.equal(catalog.resourceOwner("docs://a b"), "mcps/a");
	assert.equal(catalog.resourceOwner("docs://c"), undefined);
	assert.deepEqual(catalog.spellings("http://example.com/"), ["http://example.com/", "http://Example.com"]);
	assert.deepEqual(catalog.spellings("not a uri"), ["not a uri"]);
});

test("a name given twice by one module counts once, and names of the language's own objects are names", () => {
	const { catalog, conflicts } = withConflicts();
	catalog.set("mcps/a", tools("x", "x", "__proto__", "constructor"));
	assert.deepEqual(catalog.list("tools", "legacy").length, 3);
	assert.equal(catalog.owner("tools", "__proto__"), "mcps/a");
	assert.equal(catalog.owner("tools", "toString"), undefined);
	assert.deepEqual(conflicts, []);
});

const OWNED: readonly OwnedNames<McpName>[] = [
	{
		moduleId: "mcps/z",
		names: [
			{ list: "tools", name: "x" },
			{ list: "tools", name: "y" },
			{ list: "resources", name: "doc://x" },
		],
	},
];

test("who owned a name before the host was started owns it again, however long it takes to start", () => {
	const { catalog, conflicts, owned } = withConflicts(OWNED);
	catalog.set("mcps/a", offers({ tools: [{ name: "x" }], resources: [{ uri: "doc://x", name: "x" }] }));
	assert.equal(catalog.owner("tools", "x"), undefined, "its owner does not offer it yet");
	assert.deepEqual(catalog.list("tools", "modern"), []);
	assert.deepEqual(
		catalog.conflicts("mcps/a").map(({ list, owner }) => [list, owner]),
		[
			["tools", "mcps/z"],
			["resources", "mcps/z"],
		],
	);
	assert.deepEqual(conflicts, [], "it is no news before all have started");
	catalog.set("mcps/z", offers({ tools: [{ name: "x" }], resources: [{ uri: "doc://x", name: "x" }] }));
	catalog.set("mcps/a", tools("x", "y"));
	catalog.seal(["mcps/a", "mcps/z"]);
	assert.equal(catalog.owner("tools", "x"), "mcps/z");
	assert.equal(catalog.owner("tools", "y"), "mcps/a", "it has started without it");
	assert.deepEqual(conflicts, [["mcps/a", { list: "tools", name: "x", owner: "mcps/z" }]]);
	assert.deepEqual(owned(), [
		{
			moduleId: "mcps/a",
			names: [{ list: "tools", name: "y" }],
		},
		{
			moduleId: "mcps/z",
			names: [
				{ list: "tools", name: "x" },
				{ list: "resources", name: "doc://x" },
			],
		},
	]);
});

test("an owner that could not start keeps its names, and one that is not there any more has none", () => {
	for (const [present, owner] of [
		[["mcps/a", "mcps/z"], undefined],
		[["mcps/a"], "mcps/a"],
	] as const) {
		const { catalog, owned } = withConflicts(OWNED);
		catalog.set("mcps/a", tools("x"));
		assert.deepEqual([...catalog.seal(present)], owner === undefined ? [] : ["tools"]);
		assert.equal(catalog.owner("tools", "x"), owner);
		if (owner === undefined) {
			assert.deepEqual(owned(), OWNED, "it is also kept for the next start");
			catalog.set("mcps/z", tools("x"));
			assert.equal(catalog.owner("tools", "x"), "mcps/z");
		}
	}
	const { catalog } = withConflicts(OWNED);
	catalog.set("mcps/a", tools("x"));
	catalog.remove("mcps/z");
	assert.equal(catalog.owner("tools", "x"), "mcps/a", "it is disabled, or its file went meanwhile");
});

test("the names of a module whose file is gone are kept for it, and only what came as it went may have them", async (t) => {
	t.mock.timers.enable({ apis: ["setTimeout"] });
	const { catalog, conflicts } = withConflicts();
	catalog.seal(["mcps/a", "mcps/b"]);
	catalog.set("mcps/a", tools("x", "y"));
	catalog.set("mcps/b", tools("x"));
	catalog.depart("mcps/a", []);
	assert.equal(catalog.owner("tools", "x"), undefined, "not the one that waits for it");
	assert.deepEqual(catalog.list("tools", "modern"), []);
	catalog.set("mcps/b", tools("x"));
	assert.equal(catalog.conflicts("mcps/b")[0]?.owner, "mcps/a");
	catalog.set("mcps/a", tools("x"));
	assert.equal(catalog.owner("tools", "x"), "mcps/a", "it is back, as after rm and cp");
	assert.equal(conflicts.length, 1);

	catalog.set("mcps/moved", tools("x"));
	assert.equal(catalog.owner("tools", "x"), "mcps/a");
	assert.deepEqual([...catalog.depart("mcps/a", ["mcps/moved"])], [], "nobody sees a difference");
	assert.equal(catalog.owner("tools", "x"), "mcps/moved", "at once");

	catalog.depart("mcps/moved", []);
	t.mock.timers.tick(300_000);
	assert.equal(catalog.owner("tools", "x"), "mcps/b", "its time is over");
});

test("names of a module that went while the host was down are kept as well, but for what is new", () => {
	const { catalog, owned } = withConflicts([
		...OWNED,
		{ moduleId: "mcps/a", names: [{ list: "tools", name: "other" }] },
	]);
	catalog.set("mcps/a", tools("x", "other"));
	catalog.set("mcps/new", tools("y"));
	catalog.seal(["mcps/a", "mcps/new"]);
	assert.equal(catalog.owner("tools", "x"), undefined);
	assert.equal(catalog.owner("tools", "y"), "mcps/new", "it may be what was moved");
	assert.ok(owned().some(({ moduleId, names }) => moduleId === "mcps/z" && names.some(({ name }) => name === "x")));
});

test("what a module lists for single requests is not kept for the next start", () => {
	const { catalog, owned } = withConflicts();
	catalog.set("mcps/a", offers({ resourceTemplates: [{ uriTemplate: "doc://{name}" }] }));
	catalog.seal(["mcps/a"]);
	catalog.resources("modern", new Map([["mcps/a", [{ uri: "doc://one", name: "one" }]]]));
	assert.equal(catalog.owner("resources", "doc://one"), "mcps/a");
	assert.deepEqual(owned(), [{ moduleId: "mcps/a", names: [{ list: "resourceTemplates", name: "doc://{name}" }] }]);
});

test("an entry that a client would refuse is left out, shown and told once until its module starts without it", () => {
	const { catalog, told } = withConflicts();
	const bad = offers({ tools: [{ name: "good" }, { name: "bad", annotations: { readOnlyHint: "yes" } }] });
	assert.deepEqual([...catalog.set("mcps/a", bad)], ["tools"]);
	catalog.relist("mcps/a", bad);
	assert.deepEqual(catalog.list("tools", "legacy"), [tool({ name: "good" })]);
	assert.equal(catalog.owner("tools", "bad"), undefined);
	const [rejected, ...more] = catalog.rejected("mcps/a");
	assert.deepEqual([rejected?.list, rejected?.name, rejected?.path], ["tools", "bad", "annotations.readOnlyHint"]);
	assert.deepEqual(more, [], "once, though it is wrong in both eras");
	assert.deepEqual(told, [["mcps/a", rejected]]);
	catalog.set("mcps/a", tools("good"));
	assert.deepEqual(catalog.rejected("mcps/a"), []);
	catalog.set("mcps/a", bad);
	assert.equal(told.length, 2);
});

test("what a list callback returns is checked as well; a list of bad entries is not looked at to its end", () => {
	const { catalog, told } = withConflicts();
	catalog.set("mcps/a", offers({ resourceTemplates: [{ uriTemplate: "doc://{name}" }] }));
	catalog.seal(["mcps/a"]);
	const list = (...said: readonly unknown[]) => catalog.resources("modern", new Map([["mcps/a", said]]));
	const good = { uri: "doc://good", name: "good" };
	const bad = [
		{ uri: "doc://1" },
		{ uri: "doc://2", name: "x", size: "12" },
		{ uri: "doc://3", name: "x", mimeType: 5 },
	];
	assert.deepEqual(list(...bad, 7, good), [good]);
	assert.deepEqual(
		catalog.rejected("mcps/a").map(({ name, path }) => [name, path]),
		[
			["doc://1", "name"],
			["doc://2", "size"],
			["doc://3", "mimeType"],
		],
	);
	list(...bad);
	assert.equal(told.length, 1, "a line for a list, and not for each request");
	assert.deepEqual(list(...Array.from({ length: 100 }, (_, number) => ({ uri: `doc://${number}` })), good), []);
	assert.deepEqual(list(good), [good]);
	assert.deepEqual(catalog.rejected("mcps/a"), []);
});

test("names that common model interfaces refuse are served and warned of", () => {
	const { catalog, told } = withConflicts();
	const names = ["files.read", "a/b", "with space", "größe", "x".repeat(65)];
	catalog.set("mcps/a", tools("fine_Name-1", ...names));
	assert.equal(catalog.list("tools", "modern").length, 6);
	assert.equal(catalog.warnings("mcps/a").length, names.length);
	for (const [index, name] of names.entries())
		assert.ok(catalog.warnings("mcps/a")[index]?.includes(JSON.stringify(name)));
	assert.equal(told.length, names.length);
	catalog.relist("mcps/a", tools(...names));
	assert.equal(told.length, names.length);
});
