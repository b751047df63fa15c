import { ago, bytes, duration, percent, plural, rate, seconds } from "./format.ts";
import { node, type PageNode } from "./node.ts";
import {
	type ModuleData,
	modulesOf,
	hostOf,
	ignoredOf,
	type PageEntries,
	type UsageData,
	usageOf,
} from "./page-data.ts";
import { ASKED_FOR, nextAttempt, problemDetails, problemsOf, REASONS } from "./problems.ts";
import { sparkline } from "./sparkline.ts";

/** What the viewer has asked for, and what the browser remembers: nothing of it in what the host writes. */
export interface OverviewState {
	/** Milliseconds since the epoch, by the host's clock. */
	readonly now: number;
	readonly query: string;
	readonly filter: Filter;
	/** The latest values of a module, oldest first. */
	readonly history: (id: string) => { readonly memory: readonly number[]; readonly eventLoop: readonly number[] };
}

export const FILTERS = {
	all: "All",
	problems: "With problems",
	metrics: "Metric modules",
	mcps: "MCP modules",
} as const;
export type Filter = keyof typeof FILTERS;

export function overview(entries: PageEntries, state: OverviewState): readonly PageNode[] {
	const modules = modulesOf(entries);
	const host = hostOf(entries);
	const enabled = modules.filter((module) => module.state !== "disabled");
	const serving = enabled.filter((module) => module.serving).length;
	const isWell = serving === enabled.length;
	return [
		node(
			"header",
			{ class: "hero", "data-key": "hero" },
			node(
				"h1",
				{ class: isWell ? "well" : "unwell" },
				node("span", { "aria-hidden": "true", class: "mark" }, isWell ? "✓" : "!"),
				node("span", {}, modules.length === 0 ? "No modules yet" : `${serving} of ${enabled.length} serving`),
			),
			host !== undefined &&
				node(
					"p",
					{ class: "muted" },
					`${host.name} ${host.version}, up ${duration(state.now - Date.parse(host.started_at))}`,
					modules.length > enabled.length && `, ${modules.length - enabled.length} disabled`,
				),
		),
		problemList(modules, entries, state.now),
		moduleTable(modules, entries, state),
	];
}

function problemList(modules: readonly ModuleData[], entries: PageEntries, now: number): PageNode {
	const found = modules.flatMap((module) => problemsOf(module).map((problem) => ({ module, problem })));
	const sorted = found.toSorted(
		(a, b) => Number(a.problem.severity === "warning") - Number(b.problem.severity === "warning"),
	);
	const ignored = ignoredOf(entries);
	if (found.length + ignored.length === 0) {
		const empty = modules.length === 0 ? "Save a file into the metrics or the mcps folder: it is loaded at once." : "";
		return node("section", { "data-key": "problems", class: "problems" }, empty !== "" && node("p", {}, empty));
	}
	return node(
		"section",
		{ "data-key": "problems", class: "problems", "aria-labelledby": "problems" },
		node("h2", { id: "problems" }, "What is wrong"),
		node(
			"ul",
			{ class: "cards" },
			sorted
				.slice(0, MAX_PROBLEMS)
				.map(({ module, problem }, index) =>
					node(
						"li",
						{ class: `card ${problem.severity}`, "data-key": `${module.id} ${problem.what} ${index}` },
						node(
							"h3",
							{},
							node("span", { class: "severity" }, problem.severity === "error" ? "✕ Error" : "▲ Warning"),
							moduleLink(module.id),
						),
						node("p", { class: "what" }, problem.what),
						problem.problem !== undefined && problemDetails(problem.problem),
						node("p", { class: "advice" }, node("span", { class: "label" }, "What to do: "), problem.advice),
						problem.nextAttemptAt !== undefined &&
							node("p", { class: "muted" }, nextAttempt(problem.nextAttemptAt, now)),
					),
				),
			ignored
				.slice(0, MAX_PROBLEMS)
				.map(({ file, problem }) =>
					node(
						"li",
						{ class: "card warning", "data-key": `file ${file}` },
						node("h3", {}, node("span", { class: "severity" }, "▲ Not loaded"), node("code", {}, file)),
						node("p", { class: "advice" }, problem),
					),
				),
		),
		sorted.length > MAX_PROBLEMS &&
			node("p", { class: "muted" }, `and ${sorted.length - MAX_PROBLEMS} more: see the table`),
	);
}

const MAX_PROBLEMS = 50;

function moduleTable(modules: readonly ModuleData[], entries: PageEntries, state: OverviewState): PageNode {
	const shown = modules.filter((module) => isShown(module, state));
	const count =
		shown.length === modules.length
			? plural(shown.length, "module")
			: `${shown.length} of ${plural(modules.length, "module")}`;
	return node(
		"section",
		{ "data-key": "modules", "aria-labelledby": "modules" },
		node(
			"div",
			{ class: "bar" },
			node("h2", { id: "modules" }, "Modules"),
			node(
				"form",
				{ class: "search", role: "search", method: "get", "data-form": "filter" },
				node("label", { for: "q", class: "hidden" }, "Search modules"),
				node("input", {
					id: "q",
					name: "q",
					type: "search",
					placeholder: "Search",
					value: state.query,
					autocomplete: "off",
				}),
				node("label", { for: "filter", class: "hidden" }, "Which modules"),
				node(
					"select",
					{ id: "filter", name: "filter" },
					Object.entries(FILTERS).map(([value, text]) =>
						node("option", { value, selected: value === state.filter }, text),
					),
				),
			),
		),
		node(
			"table",
			{ class: "modules", role: "table" },
			node("caption", {}, count),
			node(
				"thead",
				{ role: "rowgroup" },
				node(
					"tr",
					{ role: "row" },
					COLUMNS.map(([name, kind]) => node("th", { scope: "col", role: "columnheader", class: kind }, name)),
				),
			),
			node(
				"tbody",
				{ role: "rowgroup" },
				shown.map((module) => moduleRow(module, usageOf(entries, module.id), state)),
			),
		),
		shown.length === 0 && modules.length > 0 && node("p", { class: "muted" }, "Nothing matches."),
	);
}

const COLUMNS = [
	["Module", ""],
	["State", ""],
	["Serving for", "number"],
	["Restarts", ""],
	["Collected", "number"],
	["Series", "number"],
	["Calls/s", "number"],
	["Errors", "number"],
	["p95", "number"],
	["Memory", "number"],
	["Event loop", "number"],
] as const;

function isShown(module: ModuleData, { query, filter }: OverviewState): boolean {
	if (filter === "problems" && problemsOf(module).length === 0) return false;
	if ((filter === "metrics" || filter === "mcps") && !module.id.startsWith(`${filter}/`)) return false;
	const text = `${module.id} ${module.file} ${module.state}`.toLowerCase();
	return query
		.toLowerCase()
		.split(/\s+/)
		.every((word) => text.includes(word));
}

function moduleRow(module: ModuleData, usage: UsageData | undefined, { now, history }: OverviewState): PageNode {
	const { memory, eventLoop } = history(module.id);
	const calls = usage?.calls ?? undefined;
	const values = [
		module.started_at === null || !module.serving ? NONE : duration(now - Date.parse(module.started_at)),
		restarts(module),
		usage?.collected_at == null ? NONE : ago(usage.collected_at, now),
		usage?.series == null ? NONE : usage.series,
		calls === undefined ? NONE : rate(calls.per_second),
		calls === undefined ? NONE : percent(calls.error_share),
		calls === undefined ? NONE : seconds(calls.p95_seconds),
		usage?.memory_bytes == null ? NONE : [sparkline(memory), bytes(usage.memory_bytes)],
		usage?.event_loop == null ? NONE : [sparkline(eventLoop, 1), percent(usage.event_loop)],
	];
	const isBad = problemsOf(module).some(({ severity }) => severity === "error");
	return node(
		"tr",
		{ role: "row", "data-key": module.id, class: isBad ? "bad" : undefined },
		node(
			"th",
			{ scope: "row", role: "rowheader" },
			moduleLink(module.id),
			node("span", { class: "muted small" }, module.id.startsWith("mcps/") ? "MCP" : "Metrics"),
		),
		node("td", { role: "cell", "data-label": "State" }, stateBadge(module.state)),
		values.map((value, index) => {
			const [label = "", kind] = COLUMNS[index + 2] ?? [];
			return node("td", { role: "cell", class: value === NONE ? `${kind} none` : kind, "data-label": label }, value);
		}),
	);
}

const NONE = "–";

function restarts({ restarts: counts, last_restart: last }: ModuleData): string | PageNode[] {
	const total = Object.entries(counts)
		.filter(([reason]) => !ASKED_FOR.has(reason))
		.reduce((sum, [, count]) => sum + count, 0);
	if (total === 0 || last === null) return NONE;
	return [node("span", {}, total), node("span", { class: "muted small" }, ` ${REASONS[last.reason] ?? last.reason}`)];
}

function moduleLink(id: string): PageNode {
	return node("a", { href: `modules/${id.split("/").map(encodeURIComponent).join("/")}` }, id);
}

/** The state as a word and a sign: colour is never the only difference. */
export function stateBadge(state: string): PageNode {
	return node(
		"span",
		{ class: `state ${state}` },
		node("span", { "aria-hidden": "true" }, `${SIGNS[state] ?? "○"} `),
		state,
	);
}

const SIGNS: Readonly<Record<string, string>> = {
	running: "●",
	degraded: "◐",
	starting: "◌",
	restarting: "↻",
	quarantined: "✕",
	failed: "✕",
	stopping: "◌",
	stopped: "○",
	disabled: "○",
};
