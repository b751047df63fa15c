import { Command } from "commander";
import { hostApi } from "../host/host-api.ts";
import { hostOf } from "../host/host-options.ts";
import type { ToolView } from "../host/views.ts";
import { print, printJson } from "../terminal/output.ts";
import { toolsTable } from "../terminal/tools-table.ts";

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
