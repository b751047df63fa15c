import type { Request } from "express";
import { principalOf } from "../../auth/identified-request.ts";
import type { Catalog } from "../../mcp/catalog/catalog.ts";
import type { ListedDto, ListName } from "../../../workers/wire/catalog.ts";
import { visibleEntries } from "../../mcp/catalog/visible-entries.ts";
import { JSON_ANSWER, type Route } from "../front/route.ts";

/** `/api/tools`, `/api/resources`, `/api/prompts`: what all modules offer, and which of them offers it. */
export function offersRoutes(catalog: Pick<Catalog, "list" | "keyOf">): readonly Route[] {
	function offered(request: Request, list: ListName, fields: Fields): readonly Record<string, unknown>[] {
		const all = catalog.list(list, "modern");
		const seen = visibleEntries(principalOf(request)?.sees, list, all, (entry) => catalog.keyOf(list, entry));
		return seen.map((entry) => ({
			...pick(entry, fields),
			module: catalog.keyOf(list, entry).moduleId,
		}));
	}

	return [
		route("tools", "The tools, with their schemas", (request) => ({ tools: offered(request, "tools", TOOL) })),
		route("resources", "The resources that are always there, and the resource templates", (request) => ({
			resources: offered(request, "resources", RESOURCE),
			resource_templates: offered(request, "resourceTemplates", TEMPLATE),
		})),
		route("prompts", "The prompts", (request) => ({ prompts: offered(request, "prompts", PROMPT) })),
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

function route(name: string, summary: string, answer: (request: Request) => Record<string, unknown>): Route {
	return {
		path: `/api/${name}`,
		scope: "mcp",
		operations: {
			get: {
				summary,
				handlers: [(request, response) => void response.json(answer(request))],
				answers: { 200: { description: "Each with the module that offers it", type: JSON_ANSWER } },
			},
		},
	};
}
