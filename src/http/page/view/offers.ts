import { node, type PageNode } from "./node.ts";
import type { DetailData, OfferData } from "./page-data.ts";

/** The tools with a form to try each, the resources and the prompts of a module. */
export function offersOf({ tools, resources, prompts, more }: DetailData): readonly PageNode[] {
	return [
		...list("tools", "Tools", tools.map(toolCard)),
		...list("resources", "Resources", resources.map(resourceItem)),
		...list("prompts", "Prompts", prompts.map(promptItem)),
		...(more === 0
			? []
			: [
					node(
						"p",
						{ "data-key": "more", class: "muted" },
						`and ${more} more: see /api/tools, /api/resources, /api/prompts`,
					),
				]),
	];
}

function list(key: string, title: string, items: readonly PageNode[]): readonly PageNode[] {
	if (items.length === 0) return [];
	return [node("section", { "data-key": key, "aria-labelledby": key }, node("h2", { id: key }, title), items)];
}

function toolCard(tool: OfferData, index: number): PageNode {
	const id = `tool-${index}`;
	return node(
		"details",
		{ class: "tool", "data-key": tool.name },
		node("summary", {}, node("code", {}, tool.name), tool.title !== undefined && ` ${tool.title}`),
		tool.description !== undefined && node("p", { class: "prose" }, tool.description),
		node(
			"form",
			{ "data-form": "tool", "data-tool": tool.name, novalidate: true, class: "try", method: "post" },
			fieldsOf(tool.input_schema).map((field) => fieldRow(field, id)),
			node("button", { type: "submit" }, "Call ", node("span", { class: "hidden" }, tool.name)),
		),
		node("pre", {
			class: "result",
			role: "status",
			"aria-label": `Result of ${tool.name}`,
			"data-own": true,
			tabindex: 0,
		}),
		node(
			"details",
			{},
			node("summary", {}, "Schema"),
			node(
				"pre",
				{ class: "code", tabindex: 0, role: "region", "aria-label": `Schema of ${tool.name}` },
				JSON.stringify(tool.input_schema, undefined, 2),
			),
		),
	);
}

interface Field {
	readonly name: string;
	/** `json`: whatever has no field of its own is written as JSON. */
	readonly type: "string" | "number" | "boolean" | "choice" | "json";
	readonly choices: readonly string[];
	readonly isRequired: boolean;
	readonly description: string | undefined;
}

/** A module wrote the schema: what is not as expected becomes a field for JSON. */
function fieldsOf(schema: unknown): readonly Field[] {
	const { properties, required } = recordOf(schema);
	const needed: readonly unknown[] = Array.isArray(required) ? required : [];
	return Object.entries(recordOf(properties))
		.slice(0, MAX_FIELDS)
		.map(([name, given]) => {
			const { type, enum: choices, description } = recordOf(given);
			const texts = Array.isArray(choices) && choices.every((choice) => typeof choice === "string") ? choices : [];
			return {
				name,
				type: texts.length > 0 ? "choice" : typeof type === "string" ? (FIELD_TYPES[type] ?? "json") : "json",
				choices: texts,
				isRequired: needed.includes(name),
				description: typeof description === "string" ? description : undefined,
			};
		});
}

const MAX_FIELDS = 50;
const FIELD_TYPES: Readonly<Record<string, Field["type"]>> = {
	string: "string",
	number: "number",
	integer: "number",
	boolean: "boolean",
};

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
	return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function fieldRow({ name, type, choices, isRequired, description }: Field, toolId: string): PageNode {
	const id = `${toolId}-${name}`;
	const hint = description === undefined ? undefined : `${id}-hint`;
	const common = { id, name, "data-type": type, required: isRequired, "aria-describedby": hint };
	return node(
		"div",
		{ class: "field" },
		node("label", { for: id }, node("code", {}, name), isRequired ? " (required)" : "", type === "json" && " as JSON"),
		control(type, choices, common),
		description !== undefined && node("p", { id: hint, class: "muted small" }, description),
	);
}

function control(type: Field["type"], choices: readonly string[], common: PageNode["attributes"]): PageNode {
	if (type === "json") return node("textarea", { ...common, rows: 2, spellcheck: "false" });
	if (type === "string") return node("input", { ...common, type: "text", autocomplete: "off" });
	if (type === "number") return node("input", { ...common, type: "text", inputmode: "decimal", autocomplete: "off" });
	const offered = type === "boolean" ? ["true", "false"] : choices;
	return node(
		"select",
		common,
		node("option", { value: "" }, "–"),
		offered.map((choice) => node("option", { value: choice }, choice)),
	);
}

function resourceItem({ uri = "", name, description }: OfferData): PageNode {
	return node(
		"div",
		{ class: "offer", "data-key": uri },
		node("p", {}, node("code", {}, uri), ` ${name}`),
		description !== undefined && node("p", { class: "prose" }, description),
	);
}

function promptItem({ name, description, arguments: given = [] }: OfferData): PageNode {
	return node(
		"div",
		{ class: "offer", "data-key": name },
		node("p", {}, node("code", {}, name), given.length > 0 && ` (${given.join(", ")})`),
		description !== undefined && node("p", { class: "prose" }, description),
	);
}
