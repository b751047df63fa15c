/**
 * Metric names: which are legal, which are the host's, how a UTF-8 name is escaped, and which names a family lays claim to.
 *
 * Sources: prometheus.io/docs/concepts/data_model, prometheus.io/docs/instrumenting/escaping_schemes,
 * OpenMetrics 1.0 "MetricFamily" (suffixes and clashing names), docs/metrics.md, rows 6 to 9, 38 and 39.
 */
import type { DropReason } from "../drops/drop-log.ts";

export type MetricType = "counter" | "gauge" | "histogram" | "summary" | "untyped";

/** Longest family name in UTF-8 bytes. */
const MAX_METRIC_NAME_BYTES = 200;

/** The type that a client library's word stands for; undefined for anything else. */
export function metricTypeOf(word: unknown): MetricType | undefined {
	switch (word) {
		case "counter":
		case "gauge":
		case "histogram":
		case "summary":
		case "untyped":
			return word;
		case "unknown":
			return "untyped";
		default:
			return undefined;
	}
}

/** Why a module may not use a name, or undefined when it may. */
export function refusedName(name: unknown): DropReason | undefined {
	if (typeof name !== "string" || !name.isWellFormed()) return "invalid_metric_name";
	if (Buffer.byteLength(name) > MAX_METRIC_NAME_BYTES) return "label_too_long";
	return METRIC_NAME.test(name) ? undefined : "invalid_metric_name";
}

/**
 * Whether a legal name belongs to the host, as it is or as most scrapers get it: `process.cpu` is `process_cpu` to them.
 * `up` is reserved as the whole name, which is what Prometheus itself writes: `uploads_total` is a module's to use. An
 * underscore that only stands for another letter (`élan`, shown as `_lan`) is not one that the name begins with.
 */
export function isReservedName(name: string): boolean {
	const escaped = escapedName(name);
	return name === "up" || name.startsWith("_") || escaped.startsWith("process_") || escaped.startsWith("scrape_");
}

/** Node.js runtime metrics, which a module may export next to the host's: they get the label `server_id`. */
export function isRuntimeName(name: string): boolean {
	return escapedName(name).startsWith("nodejs_");
}

/** The name where UTF-8 is not allowed, by the escaping scheme `underscores`. */
export function escapedName(name: string): string {
	return isLegacyName(name) ? name : name.replaceAll(NOT_LEGACY, "_");
}

export function isLegacyName(name: string): boolean {
	return LEGACY_NAME.test(name);
}

/** OpenMetrics names a counter family without the `_total` that its samples carry. */
export function openMetricsName(name: string, type: MetricType): string {
	return type === "counter" && name.endsWith("_total") ? name.slice(0, -"_total".length) : name;
}

/**
 * Every name that a family occupies in either format, its own included. Two families that share one cannot both be on
 * a page.
 */
export function claimedNames(name: string, type: MetricType): readonly string[] {
	const names = new Set<string>();
	for (const form of new Set([name, escapedName(name)])) {
		const base = openMetricsName(form, type);
		names.add(form).add(base);
		for (const suffix of SUFFIXES[type]) names.add(`${base}${suffix}`);
	}
	return [...names];
}

/** The base unit that a name ends in, for `# UNIT`. */
export function unitOf(openMetricsFamily: string): string | undefined {
	const unit = openMetricsFamily.slice(openMetricsFamily.lastIndexOf("_") + 1);
	return openMetricsFamily.length > unit.length && BASE_UNITS.has(unit) ? unit : undefined;
}

const SUFFIXES = {
	counter: ["_total", "_created"],
	gauge: [],
	histogram: ["_bucket", "_count", "_sum", "_created"],
	summary: ["_count", "_sum", "_created"],
	untyped: [],
} as const satisfies Record<MetricType, readonly string[]>;

const LEGACY_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
/**
 * A letter first, then letters, digits, `_`, `:` and `.`, of any script: the names that people mean. Other UTF-8 names
 * (`a-b`, `0a`, with spaces) are legal in Prometheus 3 and a mistake nearly everywhere, so they are refused.
 */
const METRIC_NAME = /^[\p{L}_:][\p{L}\p{M}\p{N}_:.]*$/u;
const NOT_LEGACY = /[^a-zA-Z0-9_:]/gu;
/** prometheus.io/docs/practices/naming, "Base units". */
const BASE_UNITS: ReadonlySet<string> = new Set([
	"seconds",
	"celsius",
	"meters",
	"bytes",
	"ratio",
	"volts",
	"amperes",
	"joules",
	"grams",
]);
