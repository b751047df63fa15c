import type { ToolView } from "../host/views.ts";
import { harmless, oneLine } from "./output.ts";
import { table } from "./table.ts";

export function toolsTable(tools: readonly ToolView[]): string {
	return table(
		["TOOL", "MODULE", "ARGUMENTS", "DESCRIPTION"],
		tools.map((tool) => [
			harmless(tool.name),
			harmless(tool.module),
			argumentsText(tool),
			oneLine(tool.description ?? tool.title ?? "", 80),
		]),
	);
}

/** `a, b, [c]`: what may be left out stands in brackets. */
function argumentsText({ input_schema: schema }: ToolView): string {
	const required = new Set(schema?.required ?? []);
	const names = Object.keys(schema?.properties ?? {}).map((name) => (required.has(name) ? name : `[${name}]`));
	return names.length === 0 ? "-" : oneLine(names.join(", "), 60);
}
