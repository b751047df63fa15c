import type { Catalog } from "../../mcp/catalog/catalog.ts";
import type { ListedDto, ListName } from "../../../workers/wire/catalog.ts";
import { JSON_ANSWER, type Route } from "../front/route.ts";

/** `/api/tools`, `/api/resources`, `/api/prompts`: what all modules offer, and which of them offers it. */
export function offersRoutes(catalog: Pick<Catalog, "list" | "keyOf">): readonly Route[] {
	function offered(list: ListName, fields: Fields): readonly Record<string, unknown>[] {
		return catalog.list(list, "modern").map((entry) => ({
			...pick(entry, fields),
			module: catalog.keyOf(list, entry).moduleId,
		}));
	}

	return [
		route("tools", "The tools, with their schemas", () => ({ tools: offered("tools", TOOL) })),
		route("resources", "The resources that are always there, and the resource templates", () => ({
			resources: offered("resources", RESOURCE),
			resource_templates: offered("resourceTemplates", TEMPLATE),
		})),
		route("prompts", "The prompts", () => ({ prompts: offered("prompts", PROMPT) })),
	];
}

/** By the name in MCP, ours. */
type Fields = Readonly<Record<string, string>>;

const COMMON: Fields = { name: "name", title: "title", description: "description" };
const TOOL: Fields = {
	...COMMON,
	inputSchema: "input_schema",
	outputSchema: "output_schema",
	annotations: "annotations",
};
const RESOURCE: Fields = { uri: "uri", ...COMMON, mimeType: "mime_type", size: "size" };
const TEMPLATE: Fields = { uriTemplate: "uri_template", ...COMMON, mimeType: "mime_type" };
const PROMPT: Fields = { ...COMMON, arguments: "arguments" };

function pick(entry: ListedDto, fields: Fields): Record<string, unknown> {
	const picked = Object.entries(fields).map(([name, ours]) => [ours, entry[name]] as const);
	return Object.fromEntries(picked.filter(([, value]) => value !== undefined));
}

function route(name: string, summary: string, answer: () => Record<string, unknown>): Route {
	return {
		path: `/api/${name}`,
		operations: {
			get: {
				summary,
				handlers: [(_request, response) => void response.json(answer())],
				answers: { 200: { description: "Each with the module that offers it", type: JSON_ANSWER } },
			},
		},
	};
}
