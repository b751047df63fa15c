import type { ModuleView, ToolView } from "../host/views.ts";
import { lintPage } from "./lint.ts";

/** What `bulkhead check` found. */
export interface CheckReport {
	readonly modules: readonly CheckedModule[];
	/** Files that are no modules though they look as if they were meant as ones. */
	readonly ignored: readonly Finding[];
}

export interface CheckedModule {
	readonly id: string;
	readonly file: string;
	readonly state: string;
	readonly findings: readonly Finding[];
	/** Its metrics as text; empty where it has none. */
	readonly page: string;
	readonly tools: readonly ToolView[];
	readonly offers: Readonly<Record<string, number>>;
}

/** Something to mend. */
export interface Finding {
	/** A name for scripts: `load`, `crash`, `collect`, `dropped:series_limit`, `lint:base-unit`, … */
	readonly rule: string;
	/** Whether the module, or a part of it, does not work; else it works, and deserves a better way. */
	readonly severity: "error" | "warning";
	readonly file: string;
	readonly line?: number;
	readonly column?: number;
	/** What is wrong, and what to do. */
	readonly message: string;
	/** The lines around the place. */
	readonly frame?: string;
}

export interface CheckSources {
	/** The text of its file; empty where it cannot be read. */
	readonly source: string;
	readonly page: string;
	readonly tools: readonly ToolView[];
}

export function checkedModule(module: ModuleView, { source, page, tools }: CheckSources): CheckedModule {
	const lineOf = (text: string): number | undefined => {
		if (text === "") return undefined;
		const index = source.search(new RegExp(`["'\`]${RegExp.escape(text)}["'\`]`));
		return index < 0 ? undefined : source.slice(0, index).split("\n").length;
	};
	const at: At = (text) => {
		const line = lineOf(text) ?? lineOf(text.replace(/_total$/, "")); // which some libraries add
		return line === undefined ? {} : { line };
	};
	const found = (rule: string, message: string, where: Partial<Finding> = {}): Finding => ({
		rule,
		severity: "error",
		file: module.file,
		message,
		...where,
	});
	const findings = [
		...stateFindings(module, found),
		...collectionFindings(module, found, at),
		...offerFindings(module, found, at),
		...lintPage(page).map(({ rule, family, message }) =>
			found(`lint:${rule}`, `${family} ${message}`, { severity: "warning", ...at(family) }),
		),
	];
	return { id: module.id, file: module.file, state: module.state, findings, page, tools, offers: module.offers ?? {} };
}

type Found = (rule: string, message: string, where?: Partial<Finding>) => Finding;
type At = (text: string) => { readonly line?: number };

function* stateFindings(module: ModuleView, found: Found): Iterable<Finding> {
	const { load_error: load, last_restart: last, state } = module;
	if (load !== null) yield found("load", load.message, place(load));
	else if (last !== null && last.reason !== "reload")
		yield found(last.reason, `${last.problem.message}. ${last.advice}`, place(last.problem));
	else if (state !== "running" && state !== "degraded" && state !== "disabled") yield found("state", `it is ${state}`);
}

function* collectionFindings({ collection }: ModuleView, found: Found, at: At): Iterable<Finding> {
	if (collection === null) return;
	const { error, drops, warnings } = collection;
	if (error !== undefined) {
		const { problem } = error;
		yield found(error.code, problem?.message ?? error.message, problem === undefined ? {} : place(problem));
	}
	// What failed as a whole is counted as lost, too.
	for (const { reason, family, series, count } of drops.filter((drop) => drop.reason !== error?.code))
		yield found(
			`dropped:${reason}`,
			`${subject(family, series)} is dropped${times(count)}: ${meaning(reason)}`,
			at(family),
		);
	for (const { reason, family, series } of warnings)
		yield found(`warned:${reason}`, `${subject(family, series)}: ${meaning(reason)}`, {
			severity: "warning",
			...at(family),
		});
}

function* offerFindings(module: ModuleView, found: Found, at: At): Iterable<Finding> {
	for (const { list, name, owner } of module.conflicts)
		yield found(
			"conflict",
			`${list} ${name} is refused, since ${owner} had the name first: rename one of them`,
			at(name),
		);
	for (const { list, name, path, message } of module.rejected_entries)
		yield found("rejected", `${list} ${name} is left out of the lists: ${path} ${message}`, at(name));
	for (const warning of module.warnings)
		yield found("name", warning, { severity: "warning", ...at(warning.split(" ")[1] ?? "") });
}

function place({ file, line, column, frame }: Partial<Finding>): Partial<Finding> {
	return {
		...(file !== undefined && { file }),
		...(line !== undefined && { line }),
		...(column !== undefined && { column }),
		...(frame !== undefined && { frame }),
	};
}

function subject(family: string, series: string): string {
	return series === "" ? family || "the snapshot" : family === "" ? series : `${family} (${series})`;
}

function times(count: number): string {
	return count === 1 ? "" : ` (${count} times)`;
}

/** What each reason of src/metrics/drops/drop-log.ts asks an author to do. */
function meaning(reason: string): string {
	return MEANINGS[reason] ?? reason.replaceAll("_", " ");
}

const MEANINGS: Readonly<Record<string, string>> = {
	bucket_layout_mismatch: "its buckets are others than those of another instance: use the same everywhere",
	collect_error: "its collect() threw",
	collect_timeout: "it took longer than its deadline: do less in process(), or raise options.timeoutMs",
	counter_invalid_value: "a counter is a finite number from 0 on: check what is added to it",
	counter_reset:
		'a counter went down: where it mirrors another system\'s total, export options = { counters: "absolute" }',
	duplicate_series: "the same labels occur twice: give each series labels of its own",
	exemplar_invalid: "its exemplar is longer than 128 characters, or no set of labels with a value",
	foreign_sample_name: "a sample has another name than its metric",
	help_conflict: "another module has another help for this name: use the same",
	histogram_invalid: "its buckets do not add up",
	invalid_help: "its help is no text",
	invalid_label_name: "a label's name is letters, digits and _, and begins with no digit",
	invalid_label_value: "a label's value must be text: convert it with String()",
	invalid_metric_name: "a metric's name is letters, digits and _, and begins with no digit",
	invalid_payload: "its registry answers with something that is no list of metrics",
	invalid_type: "its type is none of counter, gauge, histogram, summary and untyped",
	invalid_value: "its value is no number",
	label_limit: "it has more labels than MODULE_MAX_LABELS: drop those that nobody asks for",
	label_too_long: "a label is longer than MODULE_MAX_LABEL_LENGTH: labels are for short names, not for texts",
	name_collision_after_escaping: "two names are the same once they are escaped: rename one",
	payload_too_large: "its metrics are larger than a snapshot may be: use fewer series",
	reserved_label: "the host and Prometheus set this label: name yours otherwise",
	reserved_name: "the host has metrics of this name: name yours otherwise",
	series_limit:
		"it has more series than MODULE_MAX_SERIES, or maxSeries in plugins.yaml: use fewer labels, or raise the limit",
	suffix_collision: "its samples would have the name of another metric's (_total, _sum, _count, _bucket): rename it",
	summary_invalid: "its quantiles do not add up",
	timestamp_ignored: "its timestamp is ignored: a scrape has its own",
	type_conflict: "another module has this name with another type, and had it first: rename it",
};
