import { node, type PageNode } from "../view/node.ts";
import { scrollable } from "../view/module-view.ts";
import { ask, problemOf } from "./host.ts";
import { patchChildren } from "./patch.ts";

interface Sample {
	readonly name: string;
	readonly labels: string;
	readonly value: string;
	readonly help: string;
}

const MAX_ROWS = 300;
let samples: readonly Sample[] = [];

/** Reads the module's part of the page and shows it as a table. */
export async function loadSamples(): Promise<void> {
	const table = document.getElementById("sample-table");
	if (table === null) return;
	const id = table.dataset["module"] ?? "";
	const response = await ask(`metrics?module=${encodeURIComponent(id)}`, { headers: { accept: "text/plain" } });
	if (!response.ok) return patchChildren(table, [node("p", { class: "muted" }, await problemOf(response))]);
	samples = parse(await response.text());
	showSamples();
}

/** Shows those that the search finds. */
export function showSamples(): void {
	const table = document.getElementById("sample-table");
	const input = document.getElementById("sample-query");
	if (table === null) return;
	const words = (input instanceof HTMLInputElement ? input.value : "").toLowerCase().split(/\s+/);
	const found = samples.filter(({ name, labels }) =>
		words.every((word) => `${name} ${labels}`.toLowerCase().includes(word)),
	);
	patchChildren(table, found.length === 0 ? [node("p", { class: "muted" }, "No samples.")] : [tableOf(found)]);
}

function tableOf(found: readonly Sample[]): PageNode {
	const shown = found.slice(0, MAX_ROWS);
	const rows = shown.map(({ name, labels, value, help }) =>
		node(
			"tr",
			{},
			node("td", { title: help }, node("code", {}, name)),
			node("td", {}, node("code", {}, labels)),
			node("td", { class: "number" }, value),
		),
	);
	const caption =
		shown.length < found.length ? `The first ${shown.length} of ${found.length} samples` : `${found.length} samples`;
	const head = ["Name", "Labels", "Value"].map((name) => node("th", { scope: "col" }, name));
	return scrollable(
		"Table of samples",
		node("table", {}, node("caption", {}, caption), node("thead", {}, node("tr", {}, head)), node("tbody", {}, rows)),
	);
}

/** The text format as the host writes it: one sample a line. */
function parse(text: string): readonly Sample[] {
	const helps = new Map<string, string>();
	const read: Sample[] = [];
	for (const line of text.split("\n")) {
		const [, family, help] = /^# HELP (\S+) (.*)$/.exec(line) ?? [];
		if (family !== undefined) helps.set(family, help ?? "");
		if (line === "" || line.startsWith("#")) continue;
		const end = line.lastIndexOf(" ");
		const series = line.slice(0, end);
		const brace = series.indexOf("{");
		const name = brace < 0 ? series : series.slice(0, brace);
		const labels = brace < 0 ? "" : series.slice(brace + 1, -1);
		const value = line.slice(end + 1);
		read.push({
			name,
			labels,
			value,
			help: helps.get(name) ?? helps.get(name.replace(/_(?:bucket|sum|count|total)$/, "")) ?? "",
		});
	}
	return read;
}
