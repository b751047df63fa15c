/**
 * What main and the intake (snapshot-intake.ts) say to one another. Both are the host's own, in threads of one process, so
 * what arrives is what was sent; what a module may have forged stays bytes until the intake has checked it.
 */
import type { MetricFailures } from "../../host/runner/requests.ts";
import type { CollectError, CollectReport } from "../drops/report.ts";
import type { CollectNews } from "../drops/log-lines.ts";
import type { DropReason } from "../drops/drop-log.ts";
import type { FamilySharing } from "../ownership/family-sharing.ts";
import type { ModuleLimits } from "../validate/module-limits.ts";
import type { CounterMode } from "../../../workers/wire/messages.ts";
import type { WrittenDto } from "../exposition/written-transfer.ts";

/** A `Worker`, or the port at its other end. */
export interface IntakePort<Sent, Received> {
	postMessage(message: Sent, transfer: ArrayBuffer[]): void;
	on(event: "message", listener: (message: Received) => void): unknown;
}

export type IntakeRequest =
	/** Take a snapshot; answered by `collected` or `failed`, in order for one module. */
	| {
			readonly type: "accept";
			readonly id: number;
			readonly moduleId: string;
			readonly bytes: Uint8Array;
			readonly generation: number;
			readonly limits: ModuleLimits;
			readonly counters: CounterMode | undefined;
			/** Metrics that could not be collected, and are missing from the snapshot. */
			readonly failures: MetricFailures | undefined;
	  }
	/** A collection brought no snapshot; answered likewise. */
	| { readonly type: "fail"; readonly id: number; readonly moduleId: string; readonly error: CollectError }
	/** The module's file is gone; answered by `removed`. `heirs` came as it went: it may have been moved. */
	| { readonly type: "remove"; readonly moduleId: string; readonly heirs: readonly string[] }
	/** These modules are all there are. */
	| { readonly type: "retain"; readonly moduleIds: readonly string[] }
	/** The samples of a family on the text page, as `find` asked for; none when the module does not show it. */
	| { readonly type: "found"; readonly id: number; readonly samples: Uint8Array | undefined }
	/** Nothing follows; the thread ends when what is kept is on the disk. */
	| { readonly type: "stop" };

export type IntakeReply =
	| {
			readonly type: "collected";
			readonly id: number;
			/** Its `series` is of no meaning here: main knows what is shown. */
			readonly report: CollectReport;
			readonly drops: ReadonlyMap<DropReason, number>;
			readonly news: readonly CollectNews[];
			/** Undefined when what was shown before stays. */
			readonly shown: ShownDto | undefined;
			/** Undefined when it is as it was. */
			readonly sharing: FamilySharing | undefined;
	  }
	| { readonly type: "failed"; readonly id: number; readonly message: string }
	/** Main's page holds what a module shows, and the intake does not: the samples of one family, for `found`. */
	| { readonly type: "find"; readonly id: number; readonly moduleId: string; readonly family: string }
	/** The names of a module are free; its `rivals` had to stand back for it. */
	| { readonly type: "removed"; readonly moduleId: string; readonly rivals: readonly string[] }
	| { readonly type: "shared"; readonly sharing: FamilySharing }
	/** A sentence for the log. */
	| { readonly type: "problem"; readonly what: string };

/** What a module has on the page from now on. */
export interface ShownDto {
	/** When it was collected, in milliseconds since the epoch. */
	readonly at: number;
	/** Lines of the text page. */
	readonly series: number;
	readonly hasUtf8: boolean;
	readonly written: WrittenDto;
}
