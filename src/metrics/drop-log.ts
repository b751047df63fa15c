/**
 * What a module's snapshots lost, and why: counted by fixed reasons, with a few examples that a person can act on.
 */

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
	/** How much the collection lost that was begun last, by reason. */
	counts(): ReadonlyMap<DropReason, number>;
	/** Reason and family pairs that the collection begun last was the first to show: one log line each. */
	news(): readonly DropDto[];
	/** Up to ten examples, those seen last first. */
	drops(): readonly DropDto[];
	warnings(): readonly DropDto[];
}

/** Bounded whatever a module sends: past `MAX_TRACKED` pairs of reason and family, the one not seen for longest is forgotten. */
export function createDropLog(): DropLog {
	const drops = new Map<string, Tracked>();
	const warnings = new Map<string, Tracked>();
	let counts = new Map<DropReason, number>();
	let news: Tracked[] = [];

	return {
		begin(at) {
			counts = new Map();
			news = [];
			return {
				drop(reason, family, series, count = 1) {
					counts.set(reason, (counts.get(reason) ?? 0) + count);
					note(drops, reason, family, series, count, at);
				},
				warn(reason, family, series) {
					note(warnings, reason, family, series, 1, at);
				},
			};
		},
		counts: () => counts,
		news: () => news.map(dto),
		drops: () => examplesOf(drops),
		warnings: () => examplesOf(warnings),
	};

	function note(
		into: Map<string, Tracked>,
		reason: DropReason | WarningReason,
		family: string,
		series: string,
		count: number,
		at: number,
	): void {
		const shown = cut(family, MAX_FAMILY_CHARS);
		const key = `${reason} ${shown}`;
		const known = into.get(key);
		if (known !== undefined) {
			known.count += count;
			if (known.lastSeenAt === at) return;
			known.lastSeenAt = at;
			// Last in the map is seen last: that is the order of the examples and of forgetting.
			into.delete(key);
			into.set(key, known);
			return;
		}
		if (into.size >= MAX_TRACKED) {
			const [oldest] = into.keys();
			if (oldest !== undefined) into.delete(oldest);
		}
		const tracked = {
			reason,
			family: shown,
			series: cut(series, MAX_SERIES_CHARS),
			count,
			firstSeenAt: at,
			lastSeenAt: at,
		};
		into.set(key, tracked);
		if (news.length < MAX_TRACKED) news.push(tracked);
	}
}

const MAX_TRACKED = 100;
const MAX_EXAMPLES = 10;
const MAX_SERIES_CHARS = 200;
const MAX_FAMILY_CHARS = 200;

type Tracked = { -readonly [Key in keyof DropDto]: DropDto[Key] };

function examplesOf(tracked: ReadonlyMap<string, Tracked>): readonly DropDto[] {
	return [...tracked.values()].slice(-MAX_EXAMPLES).toReversed().map(dto);
}

function dto(tracked: Tracked): DropDto {
	return { ...tracked };
}

function cut(text: string, maxChars: number): string {
	return (text.length > maxChars ? text.slice(0, maxChars) : text).toWellFormed();
}
