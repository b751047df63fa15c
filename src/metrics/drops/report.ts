/** How a module's last collection went: what the API shows of it, and the host's metrics count. */
import { describeProblem, type ModuleProblem } from "../../host/runner/error-location.ts";
import type { MetricFailures } from "../../host/runner/requests.ts";
import type { DropDto, DropLog } from "./drop-log.ts";

export interface CollectReport {
	/**
	 * Whether every metric could be collected; true also when parts of what came were dropped. Without success there may be
	 * a snapshot all the same, of the metrics that could.
	 */
	readonly success: boolean;
	/** Lines that the module has on the page. */
	readonly series: number;
	/** When the collection ended, in milliseconds since the epoch. */
	readonly at: number;
	/** Up to ten of each, over the module's life, those seen last first. */
	readonly drops: readonly DropDto[];
	readonly warnings: readonly DropDto[];
	readonly error?: CollectError;
}

/** Why a collection brought nothing, or not all. */
export interface CollectError {
	readonly code: CollectFailure;
	readonly message: string;
	/** What the module threw, and where. */
	readonly problem?: ModuleProblem;
	/** Undefined where the collection as a whole brought nothing. */
	readonly failures?: MetricFailures;
}

/** A collection that lacks some metrics. */
export function metricsFailed(failures: MetricFailures): CollectError {
	const { names, metrics } = failures;
	const [first] = metrics;
	const more = names.length > MAX_NAMED ? `, and ${names.length - MAX_NAMED} more` : "";
	const what = names.length === 1 ? "a metric was" : `${names.length} metrics were`;
	const why = first === undefined ? "" : `: ${describeProblem(first.problem)}`;
	return {
		code: "collect_error",
		message: `${what} not collected (${names.slice(0, MAX_NAMED).join(", ")}${more})${why}`,
		failures,
	};
}

const MAX_NAMED = 5;

export type CollectFailure = "collect_error" | "collect_timeout" | "invalid_payload" | "payload_too_large";

export function collectReport(
	log: Pick<DropLog, "drops" | "warnings">,
	series: number,
	at: number,
	error?: CollectError,
): CollectReport {
	return {
		success: error === undefined,
		series,
		at,
		drops: log.drops(),
		warnings: log.warnings(),
		...(error === undefined ? {} : { error }),
	};
}
