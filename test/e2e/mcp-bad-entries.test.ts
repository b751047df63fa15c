import assert from "node:assert/strict";
import { test } from "node:test";
import { connectBoth } from "../support/both-clients.ts";
import { startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const ANSWERS = { sampled: {}, roots: { roots: [] }, elicited: () => ({ action: "decline" }) };
const ANSWER = 'const answer = () => ({ content: [{ type: "text", text: "ok" }] });';
const GOOD = `${ANSWER} export default (server) => { server.registerTool("good", {}, answer); };`;

/** One of everything that a list of a client would be refused for. */
const BAD = `
	import { ResourceTemplate } from "@modelcontextprotocol/server";
	${ANSWER}
	const resources = [{ uri: "x://1" }, { uri: "x://2", name: "n", size: "12" }, { uri: "x://3", name: "n" }];
	const given = (schema) => {
		const jsonSchema = { input: () => schema, output: () => schema };
		return { "~standard": { version: 1, vendor: "own", validate: (value) => ({ value }), jsonSchema } };
	};
	const int = given({ type: "object", properties: { n: { type: "int" } } });
	const output = given({ type: "object", properties: { n: { pattern: "(" } } });
	const array = given({ type: "array" });
	export default (server) => {
		server.registerTool("fine", { outputSchema: array }, answer);
		server.registerTool("annotations", { annotations: { readOnlyHint: "yes" } }, answer);
		server.registerTool("title", { title: 5 }, answer);
		server.registerTool("icons", { icons: "icon.png" }, answer);
		server.registerTool("schema", { inputSchema: int }, answer);
		server.registerTool("output", { outputSchema: output }, answer);
		server.registerTool("meta", { _meta: "text" }, answer);
		server.registerPrompt("prompt", { description: ["x"], icons: [{}] }, () => ({ messages: [] }));
		server.registerResource("static", "x://4", { mimeType: 5 }, (uri) => ({ contents: [{ uri: uri.href, text: "" }] }));
		const template = new ResourceTemplate("x://{id}", { list: async () => ({ resources }) });
		server.registerResource("template", template, {}, (uri) => ({ contents: [{ uri: uri.href, text: "" }] }));
		const other = new ResourceTemplate("y://{id}", {});
		server.registerResource("other", other, { annotations: { priority: 7 } }, () => ({ contents: [] }));
	};`;

test("one module's malformed entries are left out and named, and every client has all the others", async (t) => {
	const server = await startTestServer(t, { files: { "mcps/bad.js": BAD, "mcps/good.js": GOOD } });
	for (const client of await connectBoth(t, server.url, ANSWERS)) {
		const names = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name);
		assert.deepEqual(names((await client.listTools()).tools), ["fine", "good"]);
		assert.deepEqual((await client.listPrompts()).prompts, []);
		assert.deepEqual(names((await client.listResources()).resources), ["n"]);
		assert.deepEqual(names((await client.listResourceTemplates()).resourceTemplates), ["template"]);
		assert.ok(await client.callTool({ name: "good", arguments: {} }));
	}
	const { state, rejected_entries: rejected } = await server.module("mcps/bad");
	assert.equal(state, "running");
	assert.deepEqual(
		rejected.map(({ list, name, path }) => `${list} ${name} ${path}`).toSorted(),
		[
			"prompts prompt icons.0.src",
			"resourceTemplates y://{id} annotations.priority",
			"resources x://1 name",
			"resources x://2 size",
			"resources x://4 mimeType",
			"tools annotations annotations.readOnlyHint",
			"tools icons icons",
			"tools meta _meta",
			"tools output outputSchema.properties.n.pattern",
			"tools schema inputSchema.properties.n.type",
			"tools title title",
		].toSorted(),
	);
	for (const { name } of rejected) {
		assert.equal(server.logged.filter((line) => line.includes(`"${name}"`)).length, 1, `${name} is in the log once`);
	}
	assert.deepEqual((await server.module("mcps/good")).rejected_entries, []);
});

const UNLISTABLE = (schema: string, field = "inputSchema"): string => `
	import { z } from "zod";
	${ANSWER}
	export default (server) => {
		server.registerTool("plain", { inputSchema: z.object({ n: z.number() }) }, answer);
		server.registerTool("dated", { ${field}: z.object({ fine: z.string(), inner: z.object({ when: ${schema} }) }) }, answer);
	};`;
const SCHEMAS = [
	["z.date()"],
	["z.bigint()"],
	["z.map(z.string(), z.number())"],
	["z.symbol()"],
	["z.undefined()"],
	["z.string().transform(Number)", "outputSchema"],
] as const;

test("a tool whose schema cannot be listed is named with its property, and the others are listed", async (t) => {
	const files = Object.fromEntries(
		SCHEMAS.map((schema, index) => [
			`mcps/m${index}.ts`,
			UNLISTABLE(schema[0], schema[1]).replaceAll('"plain"', `"plain${index}"`),
		]),
	);
	const server = await startTestServer(t, { files });
	for (const [index, [schema]] of SCHEMAS.entries()) {
		const { state, rejected_entries: rejected } = await server.module(`mcps/m${index}`);
		assert.equal(state, "running", schema);
		assert.deepEqual(
			rejected.map(({ list, name, path }) => [list, name, path]),
			[["tools", "dated", "inner.when"]],
			schema,
		);
		assert.equal((await server.execute(`plain${index}`, { n: 1 })).status, 200);
	}
	assert.equal((await server.execute("dated")).status, 404);
	const listed = (await server.rpc("tools/list")).result?.["tools"];
	assert.equal((listed as readonly unknown[]).length, SCHEMAS.length);
});

test("a save for which a listed tool could not be listed any more does not take the place of what serves", async (t) => {
	const when = (schema: string): string => UNLISTABLE(schema);
	const server = await startTestServer(t, { files: { "mcps/m.ts": when("z.string()") } });
	await server.save("mcps/m.ts", when("z.date()"));
	await until(async () => (await server.module("mcps/m")).load_error !== null, "the new version is refused");
	const { load_error: error, state } = await server.module("mcps/m");
	assert.equal(state, "degraded");
	for (const part of ["dated", "inner.when", "Date"]) assert.match(error?.message ?? "", new RegExp(part));
	const call = { fine: "x", inner: { when: "now" } };
	assert.equal((await server.execute("dated", call)).status, 200, "the version before serves");
	await server.save("mcps/m.ts", when("z.number()"));
	await until(async () => (await server.module("mcps/m")).load_error === null, "the next version serves");
	assert.equal((await server.execute("dated", { fine: "x", inner: { when: 5 } })).body.isError, undefined);
});

test("a module of which nothing can be listed does not start, and says for which property", async (t) => {
	const only = UNLISTABLE("z.date()").replace(/^.*"plain".*$/m, "");
	const server = await startTestServer(t, { files: { "mcps/m.ts": only } });
	const { load_error: error } = await server.module("mcps/m");
	for (const part of ["dated", "inner.when", "Date"]) assert.match(error?.message ?? "", new RegExp(part));
});

test("schemas of another zod, and of a library that has no JSON Schema, are named with their tool", async (t) => {
	const foreign = (vendor: string, version: string): string => `
		${ANSWER}
		const schema = { "~standard": { vendor: "${vendor}", version: 1, validate: (value) => ({ value }) }, ${version} };
		export default (server) => {
			server.registerTool("plain-${vendor}", {}, answer);
			server.registerTool("foreign", { inputSchema: schema }, answer);
		};`;
	const files = { "mcps/a.js": foreign("zod", "_def: {}"), "mcps/b.js": foreign("other", "x: 1") };
	const server = await startTestServer(t, { files });
	for (const [id, what] of [
		["mcps/a", "zod 3"],
		["mcps/b", "other"],
	] as const) {
		const [rejected] = (await server.module(id)).rejected_entries;
		assert.equal(rejected?.name, "foreign");
		assert.ok(rejected.message.includes(what), rejected.message);
	}
});
