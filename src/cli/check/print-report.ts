import { harmless, oneLine, print, styled } from "../terminal/output.ts";
import { toolsTable } from "../terminal/tools-table.ts";
import type { CheckedModule, CheckReport, Finding } from "./report.ts";

/** For people: each module with its metrics, its tools, and what is to be mended. */
export function printReport({ modules, ignored }: CheckReport): void {
	for (const module of modules) printModule(module);
	for (const finding of ignored) printFinding(finding);
	const findings = [...modules.flatMap((module) => module.findings), ...ignored];
	const errors = findings.filter(({ severity }) => severity === "error").length;
	const counts = `${count(errors, "error")}, ${count(findings.length - errors, "warning")}`;
	const summary = `${count(modules.length, "module")} checked: ${findings.length === 0 ? "nothing to mend" : counts}`;
	print(styled(errors > 0 ? "red" : findings.length > 0 ? "yellow" : "green", summary));
}

function printModule(module: CheckedModule): void {
	const { page, tools, offers, findings } = module;
	const state = styled(findings.length === 0 ? "green" : "yellow", module.state);
	print(`${styled("bold", harmless(module.id))} ${state} ${styled("dim", harmless(module.file))}`);
	if (page.trim() !== "") print(indented(shortened(page.trimEnd())));
	if (tools.length > 0) print(indented(toolsTable(tools)));
	const others = ["resources", "resourceTemplates", "prompts"]
		.filter((list) => (offers[list] ?? 0) > 0)
		.map((list) => count(offers[list] ?? 0, list.replace("resourceTemplates", "resource templates").replace(/s$/, "")));
	if (others.length > 0) print(indented(others.join(", ")));
	for (const finding of findings) printFinding(finding);
	print("");
}

function printFinding({ severity, rule, file, line, column, message, frame }: Finding): void {
	const place = [file, line, column].filter((part) => part !== undefined).join(":");
	const mark = severity === "error" ? styled("red", "error") : styled("yellow", "warning");
	print(`${oneLine(place)} ${mark} ${oneLine(message, 2000)} ${styled("dim", `[${harmless(rule)}]`)}`);
	if (frame !== undefined) print(indented(harmless(frame)));
}

/** A page may have ten thousand lines. */
function shortened(page: string): string {
	const lines = harmless(page).split("\n");
	if (lines.length <= MAX_LINES) return lines.join("\n");
	return [...lines.slice(0, MAX_LINES), `… and ${lines.length - MAX_LINES} lines more (--json has them all)`].join(
		"\n",
	);
}

const MAX_LINES = 60;

function indented(text: string): string {
	return text.replace(/^/gm, "  ");
}

function count(number: number, noun: string): string {
	return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
