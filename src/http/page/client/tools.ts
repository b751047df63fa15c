import { ask, problemOf } from "./host.ts";

/** Calls a tool with what its form says, and shows the answer beneath it. */
export async function callTool(form: HTMLFormElement): Promise<void> {
	const result = form.parentElement?.querySelector<HTMLElement>(".result");
	if (result === null || result === undefined) return;
	const button = form.querySelector("button");
	try {
		const body = JSON.stringify({ tool_name: form.dataset["tool"], arguments: argumentsOf(form) });
		if (button !== null) button.disabled = true;
		result.textContent = "Calling…";
		const startedAt = performance.now();
		const response = await ask("execute", { method: "POST", headers: { "content-type": "application/json" }, body });
		const took = `${Math.round(performance.now() - startedAt)} ms`;
		if (!response.ok) result.textContent = `✕ ${await problemOf(response)}`;
		else result.textContent = textOf((await response.json()) as ToolResult, took);
	} catch (error) {
		result.textContent = `✕ ${error instanceof Error ? error.message : String(error)}`;
	} finally {
		if (button !== null) button.disabled = false;
	}
}

interface ToolResult {
	readonly content?: readonly { readonly type?: string; readonly text?: string }[];
	readonly structuredContent?: unknown;
	readonly isError?: boolean;
}

const MAX_SHOWN = 100_000;

function textOf(result: ToolResult, took: string): string {
	const parts = (result.content ?? []).map((part) =>
		part.type === "text" && typeof part.text === "string" ? part.text : JSON.stringify(part, undefined, 2),
	);
	if (parts.length === 0) parts.push(JSON.stringify(result.structuredContent ?? result, undefined, 2));
	const text = `${result.isError === true ? "✕ Error" : "✓"} ${took}\n${parts.join("\n")}`;
	return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

/** @throws {SyntaxError} where a field for JSON holds none; its message names the field */
function argumentsOf(form: HTMLFormElement): Record<string, unknown> {
	const fields = [...form.elements].filter(
		(element) =>
			element instanceof HTMLInputElement ||
			element instanceof HTMLSelectElement ||
			element instanceof HTMLTextAreaElement,
	);
	// What is left empty is left out: the host says what is missing. `defineProperty`, since a field may be named __proto__.
	const given: Record<string, unknown> = {};
	for (const field of fields) {
		if (field.value === "") continue;
		const value = valueOf(field.name, field.value, field.dataset["type"]);
		Object.defineProperty(given, field.name, { value, enumerable: true, configurable: true, writable: true });
	}
	return given;
}

function valueOf(name: string, text: string, type: string | undefined): unknown {
	if (type === "boolean") return text === "true";
	if (type === "number") return Number.isNaN(Number(text)) ? text : Number(text);
	if (type !== "json") return text;
	try {
		return JSON.parse(text) as unknown;
	} catch (error) {
		throw new SyntaxError(`${name} is not JSON: ${String(error)}`, { cause: error });
	}
}
