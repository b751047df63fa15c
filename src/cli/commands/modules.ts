import { Command } from "commander";
import { hostApi } from "../host/host-api.ts";
import { hostOf } from "../host/host-options.ts";
import type { ModulesView } from "../host/views.ts";
import { modulesTable } from "../terminal/modules-table.ts";
import { oneLine, print, printJson, styled } from "../terminal/output.ts";

export function modulesCommand(): Command {
	return new Command("modules")
		.description("List the modules of a host: state, restarts, series, tools, and what is wrong")
		.option("--json", "As the API has it")
		.action(async ({ json }: { json?: true }, command: Command) => {
			const view = await hostApi(hostOf(command)).get<ModulesView>("/api/modules");
			if (json) return printJson(view);
			const { modules, ignored } = view;
			if (modules.length === 0) print("There are no modules: `bulkhead new metric NAME` writes the first.");
			else print(modulesTable(modules));
			const serving = modules.filter(({ state }) => state === "running" || state === "degraded").length;
			if (modules.length > 0) print(`\n${serving} of ${modules.length} serving`);
			for (const { problem } of ignored) print(styled("yellow", `! ${oneLine(problem, 400)}`));
		});
}
