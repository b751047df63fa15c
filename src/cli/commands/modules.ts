import { Command } from "commander";
import { hostApi } from "../host/host-api.ts";
import { hostOf } from "../host/host-options.ts";
import { problemOf } from "../host/module-problem.ts";
import type { ModulesView, ModuleView } from "../host/views.ts";
import { harmless, oneLine, print, printJson, styled } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";

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

function modulesTable(modules: readonly ModuleView[]): string {
	return table(["MODULE", "STATE", "RESTARTS", "SERIES", "TOOLS", "MEMORY", "PROBLEM"], modules.map(moduleRow));
}

function moduleRow(module: ModuleView): readonly string[] {
	const restarts = Object.entries(module.restarts)
		.filter(([reason]) => reason !== "reload")
		.reduce((sum, [, count]) => sum + count, 0);
	return [
		harmless(module.id),
		stateText(module.state),
		String(restarts),
		module.collection === null ? "-" : String(module.collection.series),
		String(module.offers?.["tools"] ?? "-"),
		memoryText(module.memory_bytes),
		oneLine(problemOf(module) ?? "", 120),
	];
}

function stateText(state: string): string {
	if (state === "running") return styled("green", state);
	if (state === "failed" || state === "quarantined") return styled("red", harmless(state));
	return state === "degraded" || state === "restarting" ? styled("yellow", state) : harmless(state);
}

function memoryText(bytes: ModuleView["memory_bytes"]): string {
	if (bytes === null) return "-";
	const sum = Object.values(bytes).reduce((total, part) => total + part, 0);
	return sum === 0 ? "-" : `${(sum / 1_048_576).toFixed(1)} MB`;
}
