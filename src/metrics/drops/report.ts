/** How a module's last collection went: what the API shows of it, and the host's metrics count. */
import type { DropDto, DropLog } from "./drop-log.ts";

export interface CollectReport {
	/** Whether there was a snapshot to take; true also when only parts of it were dropped. */
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

/** Why a collection as a whole brought nothing. */
export interface CollectError {
	readonly code: CollectFailure;
	readonly message: string;
}

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
