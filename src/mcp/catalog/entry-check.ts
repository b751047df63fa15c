import { specTypeSchemas } from "@modelcontextprotocol/server";
import { jsonSchemaProblem, type ValueProblem } from "./json-schema-check.ts";
import { isRecord } from "../../../workers/wire/json.ts";
import {
	type Era,
	isKey,
	LIST_KEYS,
	type ListedDto,
	type ListName,
	MAX_KEY_LENGTH,
} from "../../../workers/wire/catalog.ts";

/**
 * The first thing in an entry of a list for which a client of this era refuses it, and with it the whole list, that of every
 * other module included: clients check an answer as one.
 */
export function entryProblem(list: ListName, era: Era, entry: ListedDto): ValueProblem | undefined {
	const key = LIST_KEYS[list];
	if (!isKey(entry[key]))
		return { path: key, message: `must be well-formed text of 1 to ${MAX_KEY_LENGTH} characters` };
	if (isNestedDeeper(entry, MAX_DEPTH)) return { path: "", message: `is nested deeper than ${MAX_DEPTH} levels` };
	const problem = specProblem(list, entry);
	if (problem !== undefined || list !== "tools") return problem;
	return schemaProblem("inputSchema", entry, era) ?? schemaProblem("outputSchema", entry, era);
}

/** Far above what people write, and below what a client that checks recursively can take. */
const MAX_DEPTH = 100;

function isNestedDeeper(root: object, depth: number): boolean {
	let level: object[] = [root];
	for (let left = depth; level.length > 0; left -= 1) {
		if (left === 0) return true;
		level = level.flatMap((each) => Object.values(each).filter(isObject));
	}
	return false;
}

function isObject(value: unknown): value is object {
	return typeof value === "object" && value !== null;
}

const SCHEMAS = {
	tools: specTypeSchemas.Tool,
	prompts: specTypeSchemas.Prompt,
	resources: specTypeSchemas.Resource,
	resourceTemplates: specTypeSchemas.ResourceTemplate,
} as const satisfies Record<ListName, object>;

function specProblem(list: ListName, entry: ListedDto): ValueProblem | undefined {
	const outcome = SCHEMAS[list]["~standard"].validate(list === "tools" ? withoutProperties(entry) : entry);
	if (outcome instanceof Promise) return undefined; // no schema of the SDK's is asynchronous
	const [issue] = outcome.issues ?? [];
	if (issue === undefined) return undefined;
	const path = (issue.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join(".");
	return { path, message: issue.message };
}

/** The SDK's schema looks at all JSON in `properties` to see that it is JSON, in 0.2 ms a kilobyte. It has been parsed from JSON. */
function withoutProperties(tool: ListedDto): ListedDto {
	const { inputSchema } = tool;
	if (!isRecord(inputSchema) || !isRecord(inputSchema["properties"])) return tool;
	return { ...tool, inputSchema: { ...inputSchema, properties: {} } };
}

function schemaProblem(field: "inputSchema" | "outputSchema", tool: ListedDto, era: Era): ValueProblem | undefined {
	const schema = tool[field];
	if (!isRecord(schema)) return undefined; // the SDK's schema has said whether it may be missing
	const problem =
		jsonSchemaProblem(schema, { compiled: field === "outputSchema" }) ??
		(era === "legacy" ? legacyProblem(schema) : undefined);
	return problem && { ...problem, path: problem.path === "" ? field : `${field}.${problem.path}` };
}

/** What clients of the 1.x SDK ask for beyond the specification. */
function legacyProblem(schema: Readonly<Record<string, unknown>>): ValueProblem | undefined {
	if (schema["type"] !== "object") return { path: "type", message: 'must be "object" for clients of 2025' };
	for (const [name, property] of Object.entries(isRecord(schema["properties"]) ? schema["properties"] : {})) {
		if (typeof property === "boolean")
			return {
				path: `properties.${name}`,
				message: `must be an object for clients of 2025: write ${property ? "{}" : "{ not: {} }"} for ${property}`,
			};
	}
	return undefined;
}
