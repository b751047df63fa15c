import { ago, bytes, duration, percent, rate, seconds, utc } from "./format.ts";
import { node, type PageNode } from "./node.ts";
import { offersOf } from "./offers.ts";
import {
	detailOf,
	type DropData,
	lifeOf,
	type ModuleData,
	moduleOf,
	type PageEntries,
	type UsageData,
	usageOf,
} from "./page-data.ts";
import { nextAttempt, problemDetails, problemsOf, REASONS } from "./problems.ts";
import { sparkline } from "./sparkline.ts";
import { type OverviewState, stateBadge } from "./overview.ts";

/** Everything there is to say of one module, and what can be done with it. */
export function moduleView(
	id: string,
	entries: PageEntries,
	{ now, history }: Pick<OverviewState, "now" | "history">,
): readonly PageNode[] {
	const module = moduleOf(entries, id);
	if (module === undefined) {
		return [
			node("h1", { "data-key": "title" }, id),
			node("p", { "data-key": "gone" }, "There is no such module. It may have been removed or renamed."),
		];
	}
	const usage = usageOf(entries, id);
	const detail = detailOf(entries);
	return [
		node(
			"header",
			{ class: "hero", "data-key": "hero" },
			node("h1", {}, id),
			node(
				"p",
				{},
				stateBadge(module.state),
				node("span", { class: "muted" }, ` ${module.file}, in a ${module.isolation}`),
			),
			actions(module),
		),
		problems(module, now),
		facts(module, usage, now, history(id)),
		...(detail === undefined ? [] : offersOf(detail)),
		samples(id),
		drops(module.dropped),
		logs(id),
		...(detail === undefined ? [] : [permissions(detail.permissions, detail.policy)]),
		life(entries, module, now),
	];
}

function actions({ id, state }: ModuleData): PageNode {
	const offered = state === "disabled" ? ["enable"] : ["restart", "disable"];
	return node(
		"div",
		{ class: "actions" },
		offered.map((action) =>
			node("button", { type: "button", "data-key": action, "data-action": action, "data-module": id }, ACTIONS[action]),
		),
		node("p", { role: "status", id: "action-result", "data-own": true, "data-key": "result", class: "muted" }),
	);
}

const ACTIONS: Readonly<Record<string, string>> = { restart: "Restart", enable: "Enable", disable: "Disable" };

function problems(module: ModuleData, now: number): PageNode {
	return node(
		"section",
		{ "data-key": "problems", class: "problems", "aria-label": "What is wrong" },
		node(
			"ul",
			{ class: "cards" },
			problemsOf(module).map(({ severity, what, problem, advice, nextAttemptAt }, index) =>
				node(
					"li",
					{ class: `card ${severity}`, "data-key": `${index} ${what}` },
					node("h2", {}, node("span", { class: "severity" }, severity === "error" ? "✕ " : "▲ "), what),
					problem !== undefined && problemDetails(problem),
					node("p", { class: "advice" }, node("span", { class: "label" }, "What to do: "), advice),
					nextAttemptAt !== undefined && node("p", { class: "muted" }, nextAttempt(nextAttemptAt, now)),
				),
			),
		),
	);
}

function facts(
	module: ModuleData,
	usage: UsageData | undefined,
	now: number,
	{ memory, eventLoop }: ReturnType<OverviewState["history"]>,
): PageNode {
	const calls = usage?.calls ?? undefined;
	const values: readonly (readonly [string, string | readonly (string | PageNode)[]])[] = [
		[
			"Serving for",
			module.started_at === null || !module.serving ? "–" : duration(now - Date.parse(module.started_at)),
		],
		["Generation", `${module.generation}`],
		["Version", module.version?.slice(0, VERSION_LENGTH) ?? "–"],
		["Collected", usage?.collected_at == null ? "–" : ago(usage.collected_at, now)],
		["Series", usage?.series == null ? "–" : String(usage.series)],
		["Calls per second", calls === undefined ? "–" : rate(calls.per_second)],
		["Errors", calls === undefined ? "–" : percent(calls.error_share)],
		["p95", calls === undefined ? "–" : seconds(calls.p95_seconds)],
		["Calls now", String(usage?.pending_calls ?? 0)],
		["Memory", usage?.memory_bytes == null ? "–" : [bytes(usage.memory_bytes), sparkline(memory)]],
		["Event loop", usage?.event_loop == null ? "–" : [percent(usage.event_loop), sparkline(eventLoop, 1)]],
	];
	return node(
		"section",
		{ "data-key": "facts", "aria-labelledby": "facts" },
		node("h2", { id: "facts" }, "Now"),
		node(
			"dl",
			{ class: "facts" },
			values.map(([name, value]) => node("div", {}, node("dt", {}, name), node("dd", {}, value))),
		),
	);
}

const VERSION_LENGTH = 12;

function samples(id: string): PageNode {
	return node(
		"section",
		{ "data-key": "samples", "aria-labelledby": "samples" },
		node(
			"div",
			{ class: "bar" },
			node("h2", { id: "samples" }, "Samples"),
			node(
				"form",
				{ class: "search", role: "search", method: "get", "data-form": "samples" },
				node("label", { for: "sample-query", class: "hidden" }, "Search samples"),
				node("input", { id: "sample-query", type: "search", placeholder: "Search", autocomplete: "off" }),
				node("button", { type: "button", "data-action": "load-samples", "data-module": id }, "Refresh"),
			),
		),
		node(
			"div",
			{ id: "sample-table", "data-own": true, "data-module": id },
			node("p", { class: "muted" }, "The samples are shown with JavaScript."),
		),
	);
}

function drops(dropped: readonly DropData[]): PageNode {
	return node(
		"section",
		{ "data-key": "drops", class: dropped.length === 0 ? "hidden" : undefined, "aria-labelledby": "drops" },
		node("h2", { id: "drops" }, "Samples that were left out"),
		scrollable(
			"Table of samples that were left out",
			node(
				"table",
				{},
				node(
					"thead",
					{},
					node(
						"tr",
						{},
						["Family", "Why", "How many", "Example"].map((name) => node("th", { scope: "col" }, name)),
					),
				),
				node(
					"tbody",
					{},
					dropped.map(({ family, reason, count, example }) =>
						node(
							"tr",
							{},
							node("td", {}, node("code", {}, family)),
							node("td", {}, reason),
							node("td", { class: "number" }, count),
							node("td", {}, node("code", {}, example)),
						),
					),
				),
			),
		),
	);
}

function logs(id: string): PageNode {
	return node(
		"section",
		{ "data-key": "logs", "aria-labelledby": "logs" },
		node("h2", { id: "logs" }, "Log"),
		node(
			"pre",
			{
				class: "log",
				id: "log",
				role: "log",
				"aria-labelledby": "logs",
				tabindex: 0,
				"data-own": true,
				"data-module": id,
			},
			"",
		),
	);
}

function permissions(granted: readonly string[], policy: string): PageNode {
	return node(
		"section",
		{ "data-key": "permissions", "aria-labelledby": "permissions" },
		node("h2", { id: "permissions" }, "Permissions"),
		node(
			"ul",
			{},
			granted.map((line) => node("li", {}, line)),
		),
		node("p", { class: "muted" }, "In plugins.yaml:"),
		node("pre", { class: "code", tabindex: 0, role: "region", "aria-label": "Lines of plugins.yaml" }, policy),
	);
}

function life(entries: PageEntries, { last_restart: last }: ModuleData, now: number): PageNode {
	const lived = lifeOf(entries);
	return node(
		"section",
		{ "data-key": "life", "aria-labelledby": "life" },
		node("h2", { id: "life" }, "History"),
		last !== null &&
			node(
				"details",
				{},
				node("summary", {}, `The last restart, ${ago(last.at, now)}: ${REASONS[last.reason] ?? last.reason}`),
				problemDetails(last.problem),
				node("p", { class: "advice" }, last.advice),
			),
		node(
			"ol",
			{ class: "life" },
			lived.map(({ at, what, generation, version, reason }) =>
				node(
					"li",
					{},
					node("span", { class: "muted" }, utc(at)),
					what === "serving"
						? ` generation ${generation} serves${version === undefined ? "" : `, version ${version.slice(0, VERSION_LENGTH)}`}`
						: ` ended: ${REASONS[reason ?? ""] ?? reason}`,
				),
			),
		),
	);
}

/** What is wider than a phone scrolls by itself, with the keyboard too. */
export function scrollable(label: string, ...children: readonly PageNode[]): PageNode {
	return node("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, children);
}
