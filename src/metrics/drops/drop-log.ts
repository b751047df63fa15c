/**
 * What a module's snapshots lost, and why: counted by fixed reasons, with a few examples that a person can act on.
 */
import type { MetricFailures } from "../../host/runner/requests.ts";
import { createToldOnce } from "./log-once.ts";

/** Why something was not taken from a snapshot. Label values of `mcp_collect_dropped_total{reason}`. */
export const DROP_REASONS = [
	"collect_error",
	"collect_timeout",
	"counter_invalid_value",
	"duplicate_series",
	"exemplar_invalid",
	"foreign_sample_name",
	"histogram_invalid",
	"invalid_label_name",
	"invalid_label_value",
	"invalid_metric_name",
	"invalid_payload",
	"invalid_type",
	"invalid_value",
	"label_limit",
	"label_too_long",
	"name_collision_after_escaping",
	"payload_too_large",
	"reserved_label",
	"reserved_name",
	"series_limit",
	"suffix_collision",
	"summary_invalid",
	"type_conflict",
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** What was kept, and still deserves a word. Shown with the drops, never counted as one. */
export const WARNING_REASONS = [
	"bucket_layout_mismatch",
	"counter_reset",
	"help_conflict",
	"invalid_help",
	"reserved_label",
	"timestamp_ignored",
] as const;
export type WarningReason = (typeof WARNING_REASONS)[number];

/** One reason on one family of one module. Times are milliseconds since the epoch. */
export interface DropDto {
	readonly reason: DropReason | WarningReason;
	readonly family: string;
	/** The first series it happened to, cut at 200 characters; empty when it was the whole family. */
	readonly series: string;
	readonly count: number;
	readonly firstSeenAt: number;
	readonly lastSeenAt: number;
}

/** What the log is told of a module, once; `muted` when there was more than is told. */
export type DropNews =
	| { readonly kind: "dropped"; readonly reason: DropReason; readonly family: string; readonly series: string }
	| { readonly kind: "warned"; readonly reason: WarningReason; readonly family: string; readonly series: string }
	| { readonly kind: "muted" };

export type Told = Exclude<DropNews, { kind: "muted" }>;

/** Takes note of what is lost while one snapshot is read. */
export interface DropSink {
	/** @param count how many samples or label sets, at least 1; a family or payload counts as one */
	drop(reason: DropReason, family: string, series: string, count?: number): void;
	warn(reason: WarningReason, family: string, series: string): void;
}

/** The drops of one module over its whole life. */
export interface DropLog {
	/** Begins a collection; what is dropped is counted in it until the next one begins. */
	begin(at: number): DropSink;
	/** The collection begun last brought nothing at all, or lacks metrics. That is no news here: failure-log.ts tells of it. */
	fail(reason: DropReason, failures?: MetricFailures): void;
	/** How much the collection lost that was begun last, by reason. */
	counts(): ReadonlyMap<DropReason, number>;
	/** Reason and family pairs that no collection before the one begun last had shown: one log line each. */
	news(): readonly DropNews[];
	/** Up to ten examples, those seen last first. */
	drops(): readonly DropDto[];
	warnings(): readonly DropDto[];
}

/**
 * Bounded whatever a module sends. After `MAX_TOLD` pairs of reason and family nothing more is news until a collection
 * has lost nothing; of examples, one that is still seen is not given up for another.
 */
export function createDropLog(): DropLog {
	const drops = createExamples();
	const warnings = createExamples();
	const told = createToldOnce(MAX_TOLD);
	let round = 0;
	let beganAt = 0;
	let isClean = true;
	let counts = new Map<DropReason, number>();
	let news: DropNews[] = [];

	return {
		begin(at) {
			// Of a module that was mended, what it loses next is news again.
			if (isClean && told.isFull()) told.clear();
			isClean = true;
			round++;
			beganAt = at;
			counts = new Map();
			news = [];
			return {
				drop(reason, family, series, count = 1) {
					lose(reason, family, series, count);
					tell({ kind: "dropped", reason, family, series });
				},
				warn(reason, family, series) {
					note(warnings, { reason, family, series, count: 1 });
					tell({ kind: "warned", reason, family, series });
				},
			};
		},
		fail(reason, failures) {
			if (failures === undefined) return lose(reason, "", "", 1);
			for (const name of failures.names) lose(reason, name, "", 1);
		},
		counts: () => counts,
		news: () => news,
		drops: drops.shown,
		warnings: warnings.shown,
	};

	function lose(reason: DropReason, family: string, series: string, count: number): void {
		counts.set(reason, (counts.get(reason) ?? 0) + count);
		note(drops, { reason, family, series, count });
	}

	function note(examples: ReturnType<typeof createExamples>, loss: Omit<Loss, "at" | "round">): void {
		examples.note({ ...loss, family: cut(loss.family, MAX_FAMILY_CHARS), at: beganAt, round });
		isClean = false;
	}

	function tell(line: Told): void {
		const family = cut(line.family, MAX_FAMILY_CHARS);
		switch (told.tell(`${line.kind} ${line.reason} ${family}`)) {
			case "new":
				return void news.push({ ...line, family, series: cut(line.series, MAX_SERIES_CHARS) });
			case "more":
				return void news.push({ kind: "muted" });
			case "told":
				return undefined;
		}
	}
}

/** Pairs of reason and family that one module has in the log; few enough to be read, and to be kept as text. */
const MAX_TOLD = 200;
const MAX_TRACKED = 100;
const MAX_EXAMPLES = 10;
const MAX_SERIES_CHARS = 200;
const MAX_FAMILY_CHARS = 200;

type Example = { -readonly [Key in keyof DropDto]: DropDto[Key] };

interface Loss extends Pick<DropDto, "reason" | "family" | "series" | "count"> {
	readonly at: number;
	/** The number of the collection. */
	readonly round: number;
}

function createExamples() {
	/** Those seen last are last: that is the order of showing and of forgetting. */
	const tracked = new Map<string, { readonly example: Example; round: number }>();

	return {
		note({ reason, family, series, count, at, round }: Loss): void {
			const key = `${reason} ${family}`;
			const known = tracked.get(key);
			if (known !== undefined) {
				known.example.count += count;
				if (known.round === round) return;
				known.example.lastSeenAt = at;
				known.round = round;
				tracked.delete(key);
				tracked.set(key, known);
				return;
			}
			if (tracked.size >= MAX_TRACKED) {
				const [oldest] = tracked;
				// Seen in the collection before, it will most likely be seen in this one too.
				if (oldest === undefined || oldest[1].round >= round - 1) return;
				tracked.delete(oldest[0]);
			}
			const shown = cut(series, MAX_SERIES_CHARS);
			tracked.set(key, {
				example: { reason, family, series: shown, count, firstSeenAt: at, lastSeenAt: at },
				round,
			});
		},
		shown: (): readonly DropDto[] =>
			[...tracked.values()]
				.slice(-MAX_EXAMPLES)
				.toReversed()
				.map(({ example }) => ({ ...example })),
	};
}

function cut(text: string, maxChars: number): string {
	return (text.length > maxChars ? text.slice(0, maxChars) : text).toWellFormed();
}
