import type { ModuleStatus } from "../../host/host.ts";
import type { ModuleProblem } from "../../host/runner/error-location.ts";
import { isServing } from "../../host/runner/module-state.ts";
import { RESTART_ADVICE } from "../../host/runner/restart-advice.ts";
import type { Catalog } from "../../mcp/catalog/catalog.ts";
import type { MetricsAggregate } from "../../metrics/aggregate.ts";
import type { CallWindow } from "../../metrics/self/call-window.ts";
import type { ModuleData, ProblemData, UsageData } from "./view/page-data.ts";

/** Who knows something of a module. */
export interface ModuleSources {
	readonly metrics: Pick<MetricsAggregate, "report">;
	readonly catalog: Pick<Catalog, "counts" | "conflicts" | "rejected" | "warnings">;
	readonly calls: Pick<CallWindow, "of">;
}

/** What changes of a module when something happens to it. */
export function moduleData(status: ModuleStatus, { metrics, catalog }: ModuleSources): ModuleData {
	const { id, lastRestart } = status;
	const report = metrics.report(id);
	const error = report?.error;
	const counts = catalog.counts(id);
	return {
		id,
		file: status.file,
		state: status.state,
		serving: isServing(status.state),
		generation: status.generation,
		version: status.hash ?? null,
		isolation: status.isolation,
		started_at: isoTime(status.startedAt),
		restarts: status.restarts,
		last_restart:
			lastRestart === undefined
				? null
				: {
						reason: lastRestart.reason,
						at: new Date(lastRestart.at).toISOString(),
						problem: problemData(lastRestart.problem),
						advice: RESTART_ADVICE[lastRestart.reason],
					},
		next_attempt_at: isoTime(status.nextAttemptAt),
		load_error: status.loadError === undefined ? null : problemData(status.loadError),
		collect_error:
			error === undefined
				? null
				: {
						...(error.problem === undefined ? {} : problemData(error.problem)),
						code: error.code,
						message: clip(error.message),
					},
		dropped: (report?.drops ?? []).map(({ family, reason, count, series }) => ({
			family: clip(family),
			reason,
			count,
			example: clip(series),
		})),
		conflicts: catalog
			.conflicts(id)
			.slice(0, MAX_LISTED)
			.map(({ list, name, owner }) => ({ list, name: clip(name), owner })),
		rejected: catalog
			.rejected(id)
			.slice(0, MAX_LISTED)
			.map(({ list, name, message }) => ({ list, name: clip(name), message: clip(message) })),
		warnings: catalog.warnings(id).slice(0, MAX_LISTED).map(clip),
		offers: {
			tools: counts.tools,
			resources: counts.resources,
			resource_templates: counts.resourceTemplates,
			prompts: counts.prompts,
		},
	};
}

/** What changes of a module every second; rounded, so that what hardly changes is not sent again. */
export function usageData({ id, usage, pendingCalls }: ModuleStatus, { metrics, calls }: ModuleSources): UsageData {
	const report = metrics.report(id);
	const rates = calls.of(id);
	const { rss, heap_total: heap, external = 0 } = usage?.memoryBytes ?? {};
	const memory = rss ?? (heap === undefined ? undefined : heap + external);
	return {
		memory_bytes: memory === undefined ? null : Math.round(memory / MEMORY_STEP) * MEMORY_STEP,
		event_loop: usage === undefined ? null : round(usage.eventLoopUtilization),
		pending_calls: pendingCalls,
		collected_at: isoTime(report?.at),
		series: report?.series ?? null,
		calls:
			rates === undefined
				? null
				: {
						per_second: round(rates.perSecond),
						error_share: round(rates.errorShare),
						p95_seconds: rates.p95Seconds,
					},
	};
}

function problemData({ message, file, line, column, frame, causes }: ModuleProblem): ProblemData {
	return {
		message: clip(message),
		file,
		line,
		column,
		frame: frame === undefined ? undefined : clip(frame),
		causes: causes?.slice(0, MAX_LISTED).map((cause) => ({
			message: clip(cause.message),
			file: cause.file,
			line: cause.line,
			column: cause.column,
		})),
	};
}

/** A module's texts are as long as it likes, and every open page gets them. */
export function clip(text: string, most = MAX_LENGTH): string {
	return text.length > most ? `${text.slice(0, most)}…` : text;
}

const MAX_LENGTH = 2000;
const MAX_LISTED = 20;
const MEMORY_STEP = 1 << 18;

function round(value: number): number {
	return Math.round(value * 100) / 100;
}

function isoTime(at: number | undefined): string | null {
	return at === undefined ? null : new Date(at).toISOString();
}
