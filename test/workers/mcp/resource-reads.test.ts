import assert from "node:assert/strict";
import { test } from "node:test";
import { UriTemplate } from "@modelcontextprotocol/server";
import { matchTemplate } from "../../../workers/mcp/match-template.ts";

test("variables are read backwards out of what a template expands to", () => {
	const cases: readonly (readonly [template: string, uri: string, values: object | undefined])[] = [
		["note://{name}", "note://a%20b", { name: "a b" }],
		["note://{name}", "note://gr%C3%B6%C3%9Fe", { name: "größe" }],
		["note://{name}", "note://größe", { name: "größe" }],
		["note://{name}", "note://a%2Fb", { name: "a/b" }],
		["note://{name}", "note://100%", { name: "100%" }],
		["note://{name}", "note://a/b", undefined],
		["note://{+path}", "note://a/b%20c", { path: "a/b c" }],
		["note:/{/path*}", "note://a/b%2Fc", { path: ["a", "b/c"] }],
		["note://{list*}", "note://a,b%2Cc", { list: ["a", "b,c"] }],
		["note://{a,b}", "note://1,2", { a: "1", b: "2" }],
		["note://x{.ext}", "note://x.txt", { ext: "txt" }],
		["note://x{#part}", "note://x#top", { part: "top" }],
		["note://a.b+c/{x}", "note://a.b+c/1", { x: "1" }],
		["note://a.b/{x}", "note://aXb/1", undefined],
		["find://x{?q,limit}", "find://x", {}],
		["find://x{?q,limit}", "find://x?limit=5", { limit: "5" }],
		["find://x{?q,limit}", "find://x?limit=5&q=a%26b", { limit: "5", q: "a&b" }],
		["find://x{?q}", "find://x?other=1", undefined],
		["find://{x}{?q}", "find://y?q=1", { x: "y", q: "1" }],
		["find://x?fixed=1{&q}", "find://x?fixed=1&q=2", { q: "2" }],
		["find://x?fixed=1{&q}", "find://x?fixed=1", {}],
		["find://x{?tags*}", "find://x?tags=a&tags=b", { tags: ["a", "b"] }],
	];
	for (const [template, uri, values] of cases)
		assert.deepEqual(matchTemplate(template, uri), values, `${template} ${uri}`);
});

test("the SDK does not do it yet: when this fails, workers/mcp/resource-reads.ts may go", () => {
	assert.deepEqual(new UriTemplate("note://{name}").match("note://a%20b"), { name: "a%20b" });
	assert.equal(new UriTemplate("find://x{?q,limit}").match("find://x?limit=5"), null);
});
