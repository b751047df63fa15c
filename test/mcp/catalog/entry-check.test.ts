import assert from "node:assert/strict";
import { test } from "node:test";
import { AjvJsonSchemaValidator } from "@modelcontextprotocol/sdk/validation/ajv-provider.js";
import * as sdk1 from "@modelcontextprotocol/sdk/types.js";
import * as fc from "fast-check";
import { entryProblem } from "../../../src/mcp/catalog/entry-check.ts";
import { jsonSchemaProblem } from "../../../src/mcp/catalog/json-schema-check.ts";
import type { ListName } from "../../../workers/wire/catalog.ts";

const object = { type: "object" };
const withProperty = (n: unknown): object => ({ name: "t", inputSchema: { ...object, properties: { n } } });
const withOutput = (outputSchema: object): object => ({ name: "t", inputSchema: object, outputSchema });
const deep = (depth: number): unknown => JSON.parse(`${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`);

/** By list, what is wrong with an entry, and the path at which it is said. */
const BAD: readonly (readonly [ListName, object, string])[] = [
	["tools", { inputSchema: object }, "name"],
	["tools", { name: "", inputSchema: object }, "name"],
	["tools", { name: "\ud800", inputSchema: object }, "name"],
	["tools", { name: "t" }, "inputSchema"],
	["tools", { name: "t", inputSchema: "object" }, "inputSchema"],
	["tools", { name: "t", inputSchema: { type: "array" } }, "inputSchema.type"],
	["tools", { name: "t", inputSchema: {} }, "inputSchema.type"],
	["tools", { name: "t", inputSchema: { ...object, required: "n" } }, "inputSchema.required"],
	["tools", { name: "t", inputSchema: { ...object, properties: [] } }, "inputSchema.properties"],
	["tools", withProperty({ type: "int" }), "inputSchema.properties.n.type"],
	["tools", withProperty({ type: ["string", "string"] }), "inputSchema.properties.n.type"],
	["tools", withProperty({ required: true }), "inputSchema.properties.n.required"],
	["tools", withProperty({ enum: "a" }), "inputSchema.properties.n.enum"],
	["tools", withProperty({ minLength: "1" }), "inputSchema.properties.n.minLength"],
	["tools", withProperty({ anyOf: [] }), "inputSchema.properties.n.anyOf"],
	["tools", withProperty({ items: [{ type: "int" }] }), "inputSchema.properties.n.items.0.type"],
	["tools", withProperty({ additionalProperties: "no" }), "inputSchema.properties.n.additionalProperties"],
	["tools", withProperty("string"), "inputSchema.properties.n"],
	["tools", withProperty(deep(200)), ""],
	["tools", withOutput({ ...object, properties: { n: { pattern: "(" } } }), "outputSchema.properties.n.pattern"],
	["tools", withOutput({ ...object, properties: { n: { $ref: "#/$defs/no" } } }), "outputSchema.properties.n.$ref"],
	["tools", withOutput({ ...object, patternProperties: { "(": {} } }), "outputSchema.patternProperties"],
	["tools", { name: "t", inputSchema: object, annotations: { readOnlyHint: "yes" } }, "annotations.readOnlyHint"],
	["tools", { name: "t", inputSchema: object, title: 5 }, "title"],
	["tools", { name: "t", inputSchema: object, icons: "icon.png" }, "icons"],
	["tools", { name: "t", inputSchema: object, icons: [{}] }, "icons.0.src"],
	["tools", { name: "t", inputSchema: object, _meta: "text" }, "_meta"],
	["prompts", { name: "p", description: ["x"] }, "description"],
	["prompts", { name: "p", arguments: [{ name: 5 }] }, "arguments.0.name"],
	["resources", { uri: "x://1" }, "name"],
	["resources", { name: "n" }, "uri"],
	["resources", { uri: "x://2", name: "n", size: "12" }, "size"],
	["resources", { uri: "x://3", name: "n", mimeType: 5 }, "mimeType"],
	["resources", { uri: "x://4", name: "n", annotations: { priority: 2 } }, "annotations.priority"],
	["resourceTemplates", { uriTemplate: "x://{y}" }, "name"],
	["resourceTemplates", { uriTemplate: "x://{y}", name: "n", mimeType: null }, "mimeType"],
];

test("what is wrong with an entry is found and named", () => {
	for (const [list, entry, path] of BAD) {
		for (const era of ["legacy", "modern"] as const) {
			const problem = entryProblem(list, era, entry as Record<string, unknown>);
			assert.equal(problem?.path, path, JSON.stringify(entry).slice(0, 200));
			assert.ok(problem.message.length > 0);
		}
	}
});

test("an entry with all that the specification has is taken", () => {
	const annotations = { title: "T", readOnlyHint: true, openWorldHint: false };
	const icons = [{ src: "data:,", mimeType: "image/png", sizes: ["48x48"], theme: "dark" }];
	const schema = {
		$schema: "https://json-schema.org/draft/2020-12/schema",
		type: "object",
		properties: {
			tree: { $ref: "#/$defs/node~1x" },
			list: { type: "array", prefixItems: [{ type: "integer" }], items: false },
			either: { anyOf: [{ type: ["string", "null"], pattern: "^\\p{L}+$" }, { const: 1 }] },
			constructor: { type: "string", format: "email", default: { type: "int" } },
		},
		patternProperties: { "^x-": true },
		$defs: { "node/x": { type: "object", properties: { next: { $ref: "#/$defs/node~1x" }, all: { $ref: "#" } } } },
		required: ["list"],
		dependentRequired: { list: ["tree"] },
		examples: [{ type: "int" }],
		"x-own": { type: "int" },
	};
	const tool = { name: "t", title: "T", icons, annotations, _meta: { any: deep(50) }, inputSchema: schema };
	for (const era of ["legacy", "modern"] as const) {
		assert.equal(entryProblem("tools", era, { ...tool, outputSchema: schema }), undefined);
		assert.equal(
			entryProblem("prompts", era, { name: "p", icons, arguments: [{ name: "a", required: true }] }),
			undefined,
		);
		assert.equal(
			entryProblem("resources", era, { uri: "not a uri", name: "n", size: 5, annotations: { priority: 1 } }),
			undefined,
		);
		assert.equal(entryProblem("resourceTemplates", era, { uriTemplate: "x://{y}", name: "n" }), undefined);
	}
	const pattern = { name: "t", inputSchema: { ...object, properties: { n: { pattern: "(?P<python>x)" } } } };
	assert.equal(entryProblem("tools", "modern", pattern), undefined, "no client compiles what it sends");
});

test("what clients of 2025 refuse and others take is left out for these alone", () => {
	for (const entry of [
		withProperty(true),
		withOutput({ type: "array" }),
		withOutput({ ...object, properties: { n: false } }),
	]) {
		assert.equal(entryProblem("tools", "modern", entry as Record<string, unknown>), undefined);
		assert.ok(entryProblem("tools", "legacy", entry as Record<string, unknown>) !== undefined);
		assert.equal(sdk1.ToolSchema.safeParse(entry).success, false, "or else this rule has had its time");
	}
});

/** Schemas, right and wrong, of the keywords that a validator looks at. */
const few = <Value extends object>(record: fc.Arbitrary<Value>): fc.Arbitrary<object> =>
	fc
		.tuple(record, fc.subarray(KEYWORDS, { maxLength: 3 }))
		.map(([all, keys]) => Object.fromEntries(Object.entries(all).filter(([key]) => keys.includes(key))));
const KEYWORDS =
	"type properties patternProperties items anyOf not required enum pattern minLength minimum exclusiveMinimum multipleOf uniqueItems $id $anchor $ref $defs format dependentRequired const".split(
		" ",
	);
const schemas = fc.letrec<{ readonly schema: unknown; readonly node: object }>((tie) => ({
	schema: fc.oneof(
		{ depthSize: "small", maxDepth: 3 },
		fc.boolean(),
		tie("node"),
		fc.constantFrom<unknown>(5, "x", null, []),
	),
	node: few(
		fc.record({
			type: fc.constantFrom<unknown>("string", "object", "array", "int", ["string", "null"], [], 5),
			properties: fc.oneof(
				fc.dictionary(fc.constantFrom("a", "b", "__proto__"), tie("schema"), { maxKeys: 2 }),
				fc.constant([]),
			),
			patternProperties: fc.dictionary(fc.constantFrom("^a", "(", "[\\w-.]"), tie("schema"), { maxKeys: 1 }),
			items: fc.oneof(tie("schema"), fc.array(tie("schema"), { maxLength: 2 })),
			anyOf: fc.array(tie("schema"), { maxLength: 2 }),
			not: tie("schema"),
			required: fc.constantFrom<unknown>(["a"], ["a", "a"], "a", true, [1]),
			enum: fc.constantFrom<unknown>([1, "a"], [], "a"),
			pattern: fc.constantFrom<unknown>("^a", "(", "[\\w-.]", 5),
			minLength: fc.constantFrom<unknown>(1, -1, "1", 1.5),
			minimum: fc.constantFrom<unknown>(1, "1", null),
			exclusiveMinimum: fc.constantFrom<unknown>(1, true),
			multipleOf: fc.constantFrom<unknown>(2, 0, "2"),
			uniqueItems: fc.constantFrom<unknown>(true, "true"),
			$id: fc.constantFrom<unknown>("http://a.example/x", "T0", 5),
			$anchor: fc.constantFrom<unknown>("here", 5),
			$ref: fc.constantFrom<unknown>("#", "#/$defs/d", "#here", "T0", "#/properties/a", "other.json", "#/%", 5),
			$defs: fc.dictionary(fc.constantFrom("d", "e"), tie("schema"), { maxKeys: 2 }),
			format: fc.constantFrom<unknown>("email", "no-such-format", 5),
			dependentRequired: fc.constantFrom<unknown>({ a: ["b"] }, { a: "b" }),
			const: fc.constantFrom<unknown>(1, null),
		}),
	),
}));

test("whatever is taken as an output schema can be compiled by the 1.x SDK, whose client would refuse the list", () => {
	const { warn, error } = console;
	Object.assign(console, { warn: () => undefined, error: () => undefined }); // Ajv's, of formats that it does not know
	try {
		fc.assert(
			fc.property(schemas.node, (node) => {
				const schema = JSON.parse(JSON.stringify(node)) as Record<string, unknown>;
				fc.pre(jsonSchemaProblem(schema, { compiled: true }) === undefined);
				new AjvJsonSchemaValidator().getValidator(schema as never);
			}),
			{ numRuns: 3000 },
		);
	} finally {
		Object.assign(console, { warn, error });
	}
});
