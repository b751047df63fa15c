import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { MCP_OWNERS } from "../../../src/mcp/catalog/name-owner-format.ts";
import { createOwnerKeeper } from "../../../src/state/owner-store.ts";
import { sealLines } from "../../../src/state/sealed-lines.ts";
import { MAX_KEY_LENGTH } from "../../../workers/wire/catalog.ts";

const LINES = [
	'["bulkhead owners",1]',
	'["mcps/z",["tools","x"],["prompts","é\\ud800"],["resources","doc://x"],["resourceTemplates","doc://{y}"]]',
];

test("the file is this", async (t) => {
	const { keeper, read, write } = setUp(t);
	write(sealed(LINES));
	const owned = await keeper.load();
	assert.deepEqual(owned, [
		{
			moduleId: "mcps/z",
			names: [
				{ list: "tools", name: "x" },
				{ list: "prompts", name: "é\ud800" },
				{ list: "resources", name: "doc://x" },
				{ list: "resourceTemplates", name: "doc://{y}" },
			],
		},
	]);
	write("something else");
	keeper.changed(() => owned);
	await keeper.flush();
	assert.equal(read(), "something else", "what is kept already is not written again");
	keeper.changed(() => [...owned, { moduleId: "mcps/a", names: [{ list: "tools", name: "a" }] }]);
	await keeper.flush();
	assert.equal(read(), sealed([...LINES, '["mcps/a",["tools","a"]]']));
});

for (const [title, part] of [
	["of a list that there is not", '["secrets","x"]'],
	["without a name", '["tools",""]'],
	["with a name that no catalog has", `["tools","${"n".repeat(MAX_KEY_LENGTH + 1)}"]`],
	["that is no list", '{"tools":"x"}'],
] as const)
	test(`a file with a name ${title} is told about and not used`, async (t) => {
		const { keeper, write, problems } = setUp(t);
		write(sealed([...LINES, `["mcps/a",${part}]`]));
		assert.deepEqual(await keeper.load(), []);
		assert.match(problems.join("\n"), /^\S+mcp-owners\.jsonl is damaged, so of the modules that offer an MCP name/);
	});

test("what changes before the keeper is closed is kept, and nothing is written afterwards", async (t) => {
	const { keeper, read, write, problems } = setUp(t);
	keeper.changed(() => [{ moduleId: "mcps/z", names: [{ list: "tools", name: "x" }] }]);
	await keeper.close();
	assert.equal(read(), sealed(['["bulkhead owners",1]', '["mcps/z",["tools","x"]]']));
	write("something else");
	keeper.changed(() => []);
	await keeper.close();
	assert.equal(read(), "something else");
	assert.deepEqual(problems, []);
});

function sealed(lines: readonly string[]): string {
	return sealLines(lines.map((line) => `${line}\n`).join(""));
}

function setUp(t: TestContext) {
	const stateDir = mkdtempSync(path.join(tmpdir(), "bulkhead-owners-"));
	t.after(() => rmSync(stateDir, { recursive: true, force: true }));
	const file = path.join(stateDir, "mcp-owners.jsonl");
	const problems: string[] = [];
	return {
		problems,
		keeper: createOwnerKeeper({ stateDir, format: MCP_OWNERS, onProblem: (what) => problems.push(what) }),
		read: (): string => readFileSync(file, "utf8"),
		write: (text: string): void => writeFileSync(file, text),
	};
}
