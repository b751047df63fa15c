import { problemOf } from "../host/module-problem.ts";
import type { ModuleView } from "../host/views.ts";
import { harmless, oneLine, styled } from "./output.ts";
import { table } from "./table.ts";

export function modulesTable(modules: readonly ModuleView[]): string {
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
