import { duration } from "./format.ts";
import { node, type PageNode } from "./node.ts";
import type { ModuleData, PlaceData, ProblemData } from "./page-data.ts";

/** What is wrong with a module now. What is mended is no problem any more: the module's page has it as history. */
export interface Problem {
	readonly severity: "error" | "warning";
	readonly what: string;
	readonly problem?: ProblemData | undefined;
	/** What to do. */
	readonly advice: string;
	readonly nextAttemptAt?: string | undefined;
}

export function problemsOf(module: ModuleData): readonly Problem[] {
	const { load_error: loadError, last_restart: last, collect_error: collectError } = module;
	const problems: Problem[] = [];
	const nextAttemptAt = module.next_attempt_at ?? undefined;
	if (loadError !== null) {
		problems.push({
			severity: "error",
			what: module.serving ? "The newest version does not load; the one before serves." : "It does not load.",
			problem: loadError,
			advice: `Mend ${loadError.file ?? module.file} and save it: it is loaded at once.`,
			nextAttemptAt,
		});
	} else if (IN_TROUBLE.has(module.state) && last !== null) {
		problems.push({
			severity: "error",
			what: `It ended: ${REASONS[last.reason] ?? last.reason}.`,
			problem: last.problem,
			advice: last.advice,
			nextAttemptAt,
		});
	}
	if (module.serving && collectError !== null) {
		problems.push({
			severity: "error",
			what: "Its last collection failed; what it showed before stays on the page for a while.",
			problem: collectError,
			advice: COLLECT_ADVICE[collectError.code] ?? "Mend what process() or collect() threw and save the file.",
		});
	}
	return [...problems, ...offerProblems(module)];
}

function offerProblems({ conflicts, rejected, warnings }: ModuleData): readonly Problem[] {
	const found: Problem[] = conflicts.map(({ name, owner }) => ({
		severity: "warning",
		what: `${name} is not offered: ${owner} had the name first.`,
		advice: "Rename one of the two.",
	}));
	for (const { name, message } of rejected)
		found.push({ severity: "warning", what: `${name} is left out of the lists.`, advice: message });
	for (const warning of warnings)
		found.push({ severity: "warning", what: warning, advice: "Rename it, so that every client takes it." });
	return found;
}

const IN_TROUBLE: ReadonlySet<string> = new Set(["restarting", "quarantined", "failed", "starting"]);

export const REASONS: Readonly<Record<string, string>> = {
	crash: "crash",
	exit: "exit",
	hang: "hang",
	out_of_memory: "out of memory",
	call_timeout: "call timeout",
	collect_timeout: "collect timeout",
	reload: "new version",
	manual: "asked for",
	policy: "new policy",
};

/** Restarts that are no sign of trouble. */
export const ASKED_FOR: ReadonlySet<string> = new Set(["reload", "manual", "policy"]);

const COLLECT_ADVICE: Readonly<Record<string, string>> = {
	collect_timeout: "Make process() return sooner, or raise COLLECT_TIMEOUT_MS (timeoutMs in plugins.yaml).",
	payload_too_large: "Show fewer series, or fewer labels.",
	invalid_payload: "Use metrics of prom-client as they are; something has replaced their data.",
};

/** The problem with its place, the lines around it, and its causes. */
export function problemDetails(problem: ProblemData): readonly PageNode[] {
	return [
		node("p", { class: "message" }, placeOf(problem), problem.message),
		...(problem.frame === undefined
			? []
			: [
					node(
						"pre",
						{ class: "frame", tabindex: 0, role: "region", "aria-label": "The lines around it" },
						problem.frame,
					),
				]),
		...(problem.causes ?? []).map((cause) =>
			node(
				"p",
				{ class: "message cause" },
				node("span", { class: "label" }, "caused by "),
				placeOf(cause),
				cause.message,
			),
		),
	];
}

function placeOf({ file, line, column }: PlaceData): PageNode | undefined {
	if (file === undefined) return undefined;
	const at = [line, column].filter((part) => part !== undefined);
	return node("code", { class: "place" }, [file, ...at].join(":"));
}

export function nextAttempt(at: string | undefined, now: number): string {
	if (at === undefined) return "";
	const left = Date.parse(at) - now;
	return left > 0 ? `Next attempt in ${duration(left + 999)}.` : "Next attempt now.";
}
