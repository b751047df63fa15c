import assert from "node:assert/strict";
import { test } from "node:test";
import { paramHeaderProblem, paramHeadersOf } from "../../../src/mcp/http/param-headers.ts";

const TOOLS = [
	{
		name: "t",
		inputSchema: {
			type: "object",
			properties: {
				region: { type: "string", "x-mcp-header": "Region" },
				nested: { type: "object", properties: { level: { type: "integer", "x-mcp-header": "Level" } } },
				list: { type: "array", items: { type: "string", "x-mcp-header": "Never" } },
			},
		},
	},
];
const check = (args: unknown, headers: Readonly<Record<string, string>> = {}): string | undefined =>
	paramHeaderProblem(TOOLS, "t", args, (name) => headers[name]);
const inBase64 = (text: string): string => `=?base64?${Buffer.from(text).toString("base64")}?=`;

test("headers that say what the arguments say, however they say it, are right", () => {
	assert.equal(check({}), undefined);
	assert.equal(check({ region: null, list: ["x"] }), undefined);
	assert.equal(check({ region: "eu" }, { "mcp-param-region": "eu" }), undefined);
	assert.equal(check({ region: "Zürich" }, { "mcp-param-region": inBase64("Zürich") }), undefined);
	assert.equal(check({ region: "=?base64?eA" }, { "mcp-param-region": "=?base64?eA" }), undefined);
	assert.equal(check({ nested: { level: 3 } }, { "mcp-param-level": "3.0" }), undefined);
	assert.equal(
		paramHeaderProblem(TOOLS, "another", { region: "eu" }, () => undefined),
		undefined,
	);
});

test("headers made from the arguments are those that are right for them", () => {
	for (const region of ["eu", "Zürich", "", " x ", "a b", "=?base64?eA", "line\nbreak"]) {
		const args = { region, nested: { level: 3 }, list: ["x"] };
		const made = paramHeadersOf(TOOLS, "t", args);
		assert.deepEqual(Object.keys(made), ["Mcp-Param-Region", "Mcp-Param-Level"]);
		const sent = new Headers(made); // which refuses what HTTP cannot carry
		assert.equal(
			paramHeaderProblem(TOOLS, "t", args, (name) => sent.get(name) ?? undefined),
			undefined,
		);
	}
	assert.deepEqual(paramHeadersOf(TOOLS, "t", { region: null }), {});
	assert.deepEqual(paramHeadersOf(TOOLS, "another", { region: "eu" }), {});
});

test("headers that are missing, wrong or unreadable are named", () => {
	assert.match(check({ region: "eu" }) ?? "", /region="eu" but the Mcp-Param-Region header is absent/);
	assert.match(check({ region: "eu" }, { "mcp-param-region": "us" }) ?? "", /header says "us"/);
	assert.match(check({ region: "eu" }, { "mcp-param-region": "=?base64?%?=" }) ?? "", /invalid Base64/);
	assert.match(check({ nested: { level: 3 } }, { "mcp-param-level": "4" }) ?? "", /nested.level=3/);
});
