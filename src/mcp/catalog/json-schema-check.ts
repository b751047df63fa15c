import { isRecord } from "../../../workers/wire/json.ts";

/** What is wrong with a value, and where in it. */
export interface ValueProblem {
	/** Keys from the value down, joined by dots; empty for the value itself. */
	readonly path: string;
	readonly message: string;
}

/**
 * The first thing that makes an object no JSON Schema: a keyword whose value is not of the kind that every draft from 6 on
 * gives it. Takes time by the size of the schema; keywords that are not known mean nothing, as the specification has it.
 *
 * @param compiled whether clients compile it: then what a validator needs has to be there as well, which is that its patterns
 *   are regular expressions of JavaScript and that its references lead somewhere within it
 */
export function jsonSchemaProblem(
	schema: Readonly<Record<string, unknown>>,
	{ compiled }: { readonly compiled: boolean },
): ValueProblem | undefined {
	const { anchors, twice } = compiled ? anchorsOf(schema) : NOT_LOOKED_FOR;
	if (twice !== undefined) return twice;
	const pending: Place[] = [{ path: "", value: schema, base: schema }];
	for (let place = pending.pop(); place !== undefined; place = pending.pop()) {
		const { path, value } = place;
		if (typeof value === "boolean") continue;
		if (!isRecord(value)) return { path, message: "a schema is an object, true or false" };
		const base = typeof value["$id"] === "string" ? value : place.base;
		for (const [keyword, given] of Object.entries(value)) {
			const at = join(path, keyword);
			const message =
				keywordProblem(keyword, given) ?? (anchors && compileProblem(keyword, given, { schema: value, base, anchors }));
			if (message !== undefined) return { path: at, message };
			pending.push(...subschemas(keyword, given, at, base));
		}
	}
	return undefined;
}

interface Place {
	readonly path: string;
	readonly value: unknown;
	/** The nearest schema around it with an identifier: what its references are relative to. */
	readonly base: Readonly<Record<string, unknown>>;
}

type Kind = "schema" | "schemas" | "schemaMap" | "schemaOrSchemas" | "dependencies" | keyof typeof KINDS;

/** By keyword, what its value is. */
const KEYWORDS: Readonly<Record<string, Kind>> = {
	...group("schema", "additionalItems additionalProperties propertyNames contains not if then else"),
	...group("schema", "unevaluatedItems unevaluatedProperties contentSchema"),
	...group("schemas", "allOf anyOf oneOf prefixItems"),
	...group("schemaMap", "properties patternProperties $defs definitions dependentSchemas"),
	...group("text", "$id $schema $ref $anchor $dynamicRef $dynamicAnchor $comment title description pattern format"),
	...group("text", "contentEncoding contentMediaType"),
	...group("count", "maxLength minLength maxItems minItems maxProperties minProperties maxContains minContains"),
	...group("number", "maximum minimum exclusiveMaximum exclusiveMinimum"),
	...group("boolean", "uniqueItems readOnly writeOnly deprecated"),
	items: "schemaOrSchemas",
	dependencies: "dependencies",
	dependentRequired: "textsMap",
	required: "texts",
	enum: "list",
	examples: "list",
	multipleOf: "positive",
	type: "type",
};

function group(kind: Kind, keywords: string): Record<string, Kind> {
	return Object.fromEntries(keywords.split(" ").map((keyword) => [keyword, kind]));
}

const TYPES: ReadonlySet<unknown> = new Set(["string", "number", "integer", "boolean", "object", "array", "null"]);
const TYPE_NAMES = [...TYPES].join(", ");

/** Values that hold no schema: whether one is right, and what it should be. */
const KINDS = {
	text: [(value: unknown) => typeof value === "string", "text"],
	count: [(value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0, "a whole number from 0"],
	number: [(value: unknown) => typeof value === "number", "a number"],
	positive: [(value: unknown) => typeof value === "number" && value > 0, "a number above 0"],
	boolean: [(value: unknown) => typeof value === "boolean", "true or false"],
	list: [Array.isArray, "an array"],
	texts: [isTexts, "an array of different texts"],
	textsMap: [
		(value: unknown) => isRecord(value) && Object.values(value).every(isTexts),
		"an object of arrays of texts",
	],
	type: [isType, `one of ${TYPE_NAMES}, or an array of these`],
} as const satisfies Record<string, readonly [(value: unknown) => boolean, string]>;

function keywordProblem(keyword: string, value: unknown): string | undefined {
	const kind = Object.hasOwn(KEYWORDS, keyword) ? KEYWORDS[keyword] : undefined;
	switch (kind) {
		case undefined:
		case "schema":
			return undefined; // the schema itself is looked at in its turn
		case "schemaOrSchemas":
			return undefined;
		case "schemas":
			return Array.isArray(value) && value.length > 0 ? undefined : "must be an array of at least one schema";
		case "schemaMap":
		case "dependencies":
			return isRecord(value) ? undefined : "must be an object of schemas";
		default: {
			const [isRight, what] = KINDS[kind];
			return isRight(value) ? undefined : `must be ${what}`;
		}
	}
}

function isTexts(value: unknown): boolean {
	if (!Array.isArray(value)) return false;
	return value.every((each) => typeof each === "string") && new Set(value).size === value.length;
}

function isType(value: unknown): boolean {
	if (!Array.isArray(value)) return TYPES.has(value);
	return value.length > 0 && value.every((each) => TYPES.has(each)) && new Set(value).size === value.length;
}

function* subschemas(keyword: string, value: unknown, path: string, base: Place["base"]): Iterable<Place> {
	const kind = Object.hasOwn(KEYWORDS, keyword) ? KEYWORDS[keyword] : undefined;
	if (kind === "schema" || (kind === "schemaOrSchemas" && !Array.isArray(value))) yield { path, value, base };
	if (kind === "schemas" || (kind === "schemaOrSchemas" && Array.isArray(value))) {
		for (const [index, each] of (value as readonly unknown[]).entries())
			yield { path: join(path, index), value: each, base };
	}
	if (kind !== "schemaMap" && kind !== "dependencies") return;
	for (const [key, each] of Object.entries(value as object)) {
		if (kind === "dependencies" && isTexts(each)) continue;
		yield { path: join(path, key), value: each, base };
	}
}

interface Anchors {
	/** Identifiers and anchors, as references name them, with the schema that has each. */
	readonly anchors?: ReadonlyMap<string, object>;
	/** Two schemas have the same. */
	readonly twice?: ValueProblem;
}
const NOT_LOOKED_FOR: Anchors = {};

function anchorsOf(root: Readonly<Record<string, unknown>>): Anchors {
	const anchors = new Map<string, object>();
	const pending: Place[] = [{ path: "", value: root, base: root }];
	for (let place = pending.pop(); place !== undefined; place = pending.pop()) {
		const { path, value, base } = place;
		if (!isRecord(value)) continue;
		for (const [key, prefix] of ANCHORS) {
			const name = value[key];
			// Ajv, which the clients compile with, knows no anchor of the root; "#" means the same.
			if (typeof name !== "string" || (value === root && prefix === "#")) continue;
			const anchor = prefix + name.replace(/#$/, "");
			if (anchors.has(anchor)) return { twice: { path: join(path, key), message: `${anchor} is there twice` } };
			anchors.set(anchor, value);
		}
		for (const [keyword, given] of Object.entries(value)) {
			if (keywordProblem(keyword, given) === undefined)
				pending.push(...subschemas(keyword, given, join(path, keyword), base));
		}
	}
	return { anchors };
}

const ANCHORS = [
	["$id", ""],
	["$anchor", "#"],
	["$dynamicAnchor", "#"],
] as const;

/** What a validator could not do with a keyword whose value is of the right kind. */
function compileProblem(
	keyword: string,
	value: unknown,
	within: { readonly schema: object; readonly base: Place["base"]; readonly anchors: ReadonlyMap<string, object> },
): string | undefined {
	if (keyword === "enum") return (value as readonly unknown[]).length > 0 ? undefined : "must have a value";
	if (keyword === "pattern") return patternProblem(String(value));
	if (keyword === "patternProperties") {
		for (const pattern of Object.keys(value as object)) {
			const problem = patternProblem(pattern);
			if (problem !== undefined) return problem;
		}
	}
	if (keyword !== "$ref" && keyword !== "$dynamicRef") return undefined;
	const target = targetOf(String(value), within.base, within.anchors);
	if (target === within.schema) return "leads to the schema that it stands in";
	return isRecord(target) || typeof target === "boolean"
		? undefined
		: "leads nowhere within the schema; put what it means under $defs";
}

function patternProblem(pattern: string): string | undefined {
	try {
		RegExp(pattern, "u");
		return undefined;
	} catch {
		return "is no regular expression of JavaScript (with its flag u)";
	}
}

function targetOf(reference: string, base: Place["base"], anchors: ReadonlyMap<string, object>): unknown {
	const anchored = anchors.get(reference);
	if (anchored !== undefined) return anchored;
	const [before = "", pointer = ""] = reference.split("#");
	let at: unknown = before === "" ? base : anchors.get(before);
	if (pointer !== "" && !pointer.startsWith("/")) return undefined;
	for (const part of pointer === "" ? [] : pointer.split("/").slice(1)) {
		const key = pointerKey(part);
		if (typeof at !== "object" || at === null || key === undefined || !Object.hasOwn(at, key)) return undefined;
		at = (at as Record<string, unknown>)[key];
	}
	return at;
}

/** A part of a JSON pointer in a URI fragment (RFC 6901, 6). */
function pointerKey(part: string): string | undefined {
	try {
		return decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
	} catch {
		return undefined;
	}
}

function join(path: string, key: string | number): string {
	return path === "" ? String(key) : `${path}.${key}`;
}
