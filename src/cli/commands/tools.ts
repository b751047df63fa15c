import { Command } from "commander";
import { hostApi } from "../host/host-api.ts";
import { hostOf } from "../host/host-options.ts";
import type { ToolView } from "../host/views.ts";
import { harmless, oneLine, print, printJson } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";

export function toolsCommand(): Command {
	return new Command("tools")
		.description("List the tools of a host, with their arguments and the module that offers each")
		.option("--json", "With their schemas, as the API has them")
		.action(async ({ json }: { json?: true }, command: Command) => {
			const view = await hostApi(hostOf(command)).get<{ tools: readonly ToolView[] }>("/api/tools");
			if (json) return printJson(view);
			print(view.tools.length === 0 ? "There are no tools." : toolsTable(view.tools));
		});
}

function toolsTable(tools: readonly ToolView[]): string {
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
