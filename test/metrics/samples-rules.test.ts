/** What a snapshot may hold and what becomes of it: one entry or more for every row of the rules, by the row's number. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import type { DropReason, WarningReason } from "../../src/metrics/drop-log.ts";
import type { RawFamily } from "../support/metrics-aggregate.ts";
import {
	counter,
	createCollector,
	gauge,
	histogram,
	histogramValues,
	hostSource,
	OPENMETRICS,
	OPENMETRICS_UTF8,
	summary,
	summaryValues,
	TEXT_UTF8,
	value,
} from "../support/metrics-aggregate.ts";
import { seriesOf } from "../support/strict-exposition.ts";

interface Rule {
	readonly row: number;
	readonly title: string;
	/** What each module shows, collected in this order. A module may come twice, as two collections. */
	readonly modules: Readonly<Record<string, unknown>> | readonly (readonly [moduleId: string, families: unknown])[];
	/** Every series on the text page, except those of GOOD. */
	readonly series?: Readonly<Record<string, number>>;
	/** Every series on the OpenMetrics page, where it differs. */
	readonly openmetrics?: Readonly<Record<string, number>>;
	/** `module reason` -> how many. */
	readonly drops?: Readonly<Record<`${string} ${DropReason}`, number>>;
	/** `module reason`. */
	readonly warnings?: readonly `${string} ${WarningReason}`[];
	/** Modules whose last collection failed as a whole. */
	readonly failed?: readonly string[];
	readonly limits?: { readonly maxSeries?: number; readonly maxLabels?: number; readonly maxLabelLength?: number };
	readonly host?: readonly (RawFamily & { readonly type: "counter" | "gauge" })[];
	/** Pieces of text that the text page must hold. */
	readonly text?: readonly string[];
	readonly openmetricsText?: readonly string[];
}

/** Stands beside whatever is bad, first and last in the snapshot: it must always come through. */
const FIRST = gauge("good_first", value(1));
const LAST = gauge("good_last", value(1, { a: "b" }));
const GOOD = { good_first: 1, 'good_last{a="b"}': 1 };
const around = (...families: readonly unknown[]): readonly unknown[] => [FIRST, ...families, LAST];

/** An empty label on a sample that has none of that name. */
const withEmpty = (label: string) => (sample: object) => {
	const { labels } = sample as { readonly labels: object };
	return { ...sample, labels: { [label]: "", ...labels } };
};
const labelsOf = (count: number, text: string): Readonly<Record<string, string>> =>
	Object.fromEntries(Array.from({ length: count }, (_, index) => [`l${index}`, text]));

/** Thirty of them, as they are written. */
const ALL_LABELS = Object.keys(labelsOf(30, "v"))
	.toSorted()
	.map((name) => `${name}="v"`)
	.join();

const LONE_SURROGATE = "\ud800";
const throws = (): never => {
	throw new Error("no");
};

const RULES: readonly Rule[] = [
	{
		row: 1,
		title: "a payload that is no array",
		modules: { m: { metrics: [] } },
		drops: { "m invalid_payload": 1 },
		failed: ["m"],
	},
	{
		row: 1,
		title: "families that are no objects, and values that are no array",
		modules: { m: around(null, 7, "x", gauge("no_values"), { name: "v", help: "h", type: "gauge", values: { 0: 1 } }) },
		series: GOOD,
		drops: { "m invalid_payload": 4 },
	},
	{
		row: 1,
		title: "samples that are no objects, and one that cannot be read",
		modules: {
			m: around(
				gauge("g", null, 7, value(1, { a: "1" }), {
					get labels() {
						return throws();
					},
					value: 1,
				}),
			),
		},
		series: { ...GOOD, 'g{a="1"}': 1 },
		drops: { "m invalid_payload": 3 },
	},
	{
		row: 4,
		title: "labels that cannot be cloned",
		modules: { m: around(gauge("g", value(1, { a: () => 1 }), value(2, { a: Symbol("s") }), value(3, { a: "ok" }))) },
		series: { ...GOOD, 'g{a="ok"}': 3 },
		drops: { "m invalid_payload": 2 },
	},
	...["0a", "a-b", "", "a\nb", "a b", "é\u0000", LONE_SURROGATE, 7, null].map(
		(name): Rule => ({
			row: 6,
			title: `the metric name ${JSON.stringify(name)}`,
			modules: { m: around({ ...gauge("x", value(1)), name }) },
			series: GOOD,
			drops: { "m invalid_metric_name": 1 },
		}),
	),
	{
		row: 7,
		title: "a UTF-8 name is escaped where it cannot be quoted",
		modules: { m: around(counter("http.requests.total", value(3, { a: "1" }))) },
		series: { ...GOOD, 'http_requests_total{a="1"}': 3 },
	},
	{
		row: 7,
		title: "a UTF-8 name whose escaped form another module has",
		modules: {
			m: around(gauge("http_requests", value(1))),
			n: [gauge("http.requests", value(2)), gauge("n", value(1))],
		},
		series: { ...GOOD, http_requests: 1, n: 1 },
		drops: { "n name_collision_after_escaping": 1 },
	},
	{
		row: 7,
		title: "two UTF-8 names with one escaped form",
		modules: { m: around(gauge("a.b", value(1)), gauge("a:b", value(3)), gauge("aéb", value(2))) },
		series: { ...GOOD, a_b: 1, "a:b": 3 },
		drops: { "m name_collision_after_escaping": 1 },
	},
	...[
		"process_resident_memory_bytes",
		"process.resident_memory_bytes",
		"scrape_duration_seconds",
		"scrape.duration_seconds",
		"scrapeéduration_seconds",
		"up",
		"_private",
		"mcp_servers",
	].map(
		(name): Rule => ({
			row: 8,
			title: `the reserved name ${name}`,
			modules: { m: around(gauge(name, value(1))) },
			host: [{ ...gauge("mcp_servers", value(5)), type: "gauge" }],
			series: { ...GOOD, mcp_servers: 5 },
			drops: { "m reserved_name": 1 },
		}),
	),
	{
		row: 8,
		title: "names that only look reserved, and one with a colon",
		modules: { m: around(gauge("uploads", value(1)), gauge("mcp_mine", value(2)), gauge("job:rate5m", value(3))) },
		series: { ...GOOD, uploads: 1, mcp_mine: 2, "job:rate5m": 3 },
	},
	{
		row: 8,
		title: "names that begin with a letter that is shown as an underscore",
		modules: { m: around(gauge("élan", value(1)), gauge("éprocess_x", value(2))) },
		series: { ...GOOD, _lan: 1, _process_x: 2 },
	},
	{
		row: 9,
		title: "metrics of the runtime under names that are shown like Node's",
		modules: {
			m: around(gauge("nodejs.lag", value(1)), gauge("nodejs.own_lag", value(2, { server_id: "n" }))),
			n: [gauge("nodejs.own_lag", value(3))],
		},
		host: [{ ...gauge("nodejs_lag", value(9)), type: "gauge" }],
		series: { ...GOOD, nodejs_lag: 9, 'nodejs_own_lag{server_id="m"}': 2, 'nodejs_own_lag{server_id="n"}': 3 },
		drops: { "m name_collision_after_escaping": 1 },
	},
	{
		row: 9,
		title: "default metrics of two modules beside the host's",
		modules: {
			m: around(gauge("nodejs_lag_seconds", value(1)), gauge("process_open_fds", value(1))),
			n: [gauge("nodejs_lag_seconds", value(2, { server_id: "forged" }))],
		},
		host: [{ ...gauge("nodejs_lag_seconds", value(9)), type: "gauge" }],
		series: {
			...GOOD,
			nodejs_lag_seconds: 9,
			'nodejs_lag_seconds{server_id="m"}': 1,
			'nodejs_lag_seconds{server_id="n"}': 2,
		},
		drops: { "m reserved_name": 1 },
	},
	...["foo", undefined, "gauge\nx 1", 7, "histogram2"].map(
		(type): Rule => ({
			row: 10,
			title: `the type ${JSON.stringify(type)}`,
			modules: { m: around({ ...gauge("x", value(1)), type }) },
			series: GOOD,
			drops: { "m invalid_type": 1 },
		}),
	),
	{
		row: 11,
		title: "help that is no text, and help that must be escaped",
		modules: { m: around({ ...gauge("x", value(1)), help: 7 }, { ...gauge("y", value(2)), help: 'a\nb\\n"c"' }) },
		series: { ...GOOD, x: 1, y: 2 },
		warnings: ["m invalid_help"],
		text: ['# HELP y a\\nb\\\\n"c"\n', "\n# TYPE x gauge\n"],
		openmetricsText: ['# HELP y a\\nb\\\\n\\"c\\"\n'],
	},
	{
		row: 12,
		title: "one family, two types, two modules",
		modules: { m: around(gauge("x", value(1))), n: [counter("x", value(2)), gauge("n", value(1))] },
		series: { ...GOOD, x: 1, n: 1 },
		drops: { "n type_conflict": 1 },
	},
	{
		row: 12,
		title: "one family, two types, one module",
		modules: { m: around(gauge("x", value(1)), counter("x", value(2))) },
		series: { ...GOOD, x: 1 },
		drops: { "m type_conflict": 1 },
	},
	{
		row: 13,
		title: "one family, two helps: the first one stands",
		modules: { m: around(gauge("x", value(1))), n: [{ ...gauge("x", value(2, { a: "1" })), help: "Another." }] },
		series: { ...GOOD, x: 1, 'x{a="1"}': 2 },
		warnings: ["n help_conflict"],
		text: ["# HELP x A gauge.\n"],
	},
	{
		row: 13,
		title: "one family, two helps, from two registries of one module",
		modules: { m: around(gauge("x", value(1)), { ...gauge("x", value(2, { a: "1" })), help: "Another." }) },
		series: { ...GOOD, x: 1, 'x{a="1"}': 2 },
		warnings: ["m help_conflict"],
		text: ["# HELP x A gauge.\n"],
	},
	{
		row: 14,
		title: "one family, disjoint label sets, two modules",
		modules: {
			m: around(counter("x_total", value(1, { m: "m" }))),
			n: [counter("x_total", value(2, { m: "n" }))],
		},
		series: { ...GOOD, 'x_total{m="m"}': 1, 'x_total{m="n"}': 2 },
	},
	{
		row: 15,
		title: "one series twice in one module",
		modules: { m: around(gauge("x", value(1, { a: "1", b: "2" }), value(9, { b: "2", a: "1" }))) },
		series: { ...GOOD, 'x{a="1",b="2"}': 1 },
		drops: { "m duplicate_series": 1 },
	},
	{
		row: 15,
		title: "one histogram twice in one module, from two registries",
		modules: {
			m: around(histogram("h", histogramValues("h")), histogram("h", histogramValues("h", { count: 5, sum: 5 }))),
		},
		series: { ...GOOD, 'h_bucket{le="1"}': 1, 'h_bucket{le="+Inf"}': 2, h_sum: 3, h_count: 2 },
		openmetrics: { ...GOOD, 'h_bucket{le="1.0"}': 1, 'h_bucket{le="+Inf"}': 2, h_sum: 3, h_count: 2 },
		drops: { "m duplicate_series": 4 },
	},
	{
		row: 16,
		title: "one series in two modules: the first owner's stays, also when it comes later the next time",
		modules: [
			["m", around(gauge("x", value(1, { a: "1" })))],
			["n", [gauge("x", value(2, { a: "1" }), value(3, { a: "2" }))]],
			["n", [gauge("x", value(4, { a: "1" }), value(5, { a: "2" }))]],
			["m", around(gauge("x", value(6, { a: "1" }), value(7, { a: "2" })))],
		],
		series: { ...GOOD, 'x{a="1"}': 6, 'x{a="2"}': 5 },
		drops: { "n duplicate_series": 2, "m duplicate_series": 1 },
	},
	{
		row: 16,
		title: "a histogram with the label of summaries, and a summary with the label of histograms, beside those without",
		modules: {
			m: around(
				histogram("h", histogramValues("h", { labels: { quantile: "0.5" }, buckets: [["+Inf", 2]] })),
				summary("s", summaryValues("s", { labels: { le: "1" } })),
			),
			n: [
				histogram("h", histogramValues("h", { buckets: [["+Inf", 2]] })),
				summary("s", summaryValues("s", { labels: { le: "2" } }), summaryValues("s")),
			],
		},
		series: {
			...GOOD,
			'h_bucket{le="+Inf",quantile="0.5"}': 2,
			'h_sum{quantile="0.5"}': 3,
			'h_count{quantile="0.5"}': 2,
			'h_bucket{le="+Inf"}': 2,
			h_sum: 3,
			h_count: 2,
			's{le="1",quantile="0.5"}': 1,
			's_sum{le="1"}': 3,
			's_count{le="1"}': 2,
			's{le="2",quantile="0.5"}': 1,
			's_sum{le="2"}': 3,
			's_count{le="2"}': 2,
			's{quantile="0.5"}': 1,
			s_sum: 3,
			s_count: 2,
		},
		warnings: ["m reserved_label", "m reserved_label", "n reserved_label"],
	},
	{
		row: 16,
		title: "a gauge whose help looks like the head of a histogram",
		modules: {
			m: around({ ...gauge("x", value(1, { le: "1" })), help: "\r# TYPE x histogram" }),
			n: [{ ...gauge("x", value(2)), help: "\r# TYPE x histogram" }],
		},
		series: { ...GOOD, 'x{le="1"}': 1, x: 2 },
		warnings: ["m reserved_label"],
	},
	{
		row: 17,
		title: "an empty le or quantile is none, on totals and where it means nothing",
		modules: {
			m: around(
				histogram("h", histogramValues("h", { labels: { quantile: "" }, buckets: [["+Inf", 2]] }).map(withEmpty("le"))),
				summary("s", summaryValues("s", { labels: { le: "" } }).map(withEmpty("quantile"))),
				gauge("x", value(1, { le: "", quantile: "" })),
			),
		},
		series: {
			...GOOD,
			'h_bucket{le="+Inf"}': 2,
			h_sum: 3,
			h_count: 2,
			's{quantile="0.5"}': 1,
			s_sum: 3,
			s_count: 2,
			x: 1,
		},
	},
	{
		row: 17,
		title: "empty labels do not count",
		modules: {
			m: around(
				gauge(
					"x",
					value(1, { ...labelsOf(30, ""), a: "1" }),
					value(2, { ...labelsOf(98, ""), ...labelsOf(30, "v") }),
					value(3, { ...labelsOf(98, ""), ...labelsOf(31, "v") }),
				),
			),
		},
		series: {
			...GOOD,
			'x{a="1"}': 1,
			[`x{${ALL_LABELS}}`]: 2,
		},
		drops: { "m label_limit": 1 },
	},
	{
		row: 17,
		title: "an empty label is no label",
		modules: { m: around(gauge("x", value(1), value(2, { a: "" }), value(3, { a: null }))) },
		series: { ...GOOD, x: 1 },
		drops: { "m duplicate_series": 2 },
	},
	{
		row: 18,
		title: "label sets that only look alike",
		modules: {
			m: around(
				gauge(
					"x",
					value(1, { a: "x|", b: "y" }),
					value(2, { a: "x", b: "|y" }),
					value(3, { a: "1,b:2" }),
					value(4, { a: "1", b: "2" }),
				),
			),
		},
		series: { ...GOOD, 'x{a="x|",b="y"}': 1, 'x{a="x",b="|y"}': 2, 'x{a="1,b:2"}': 3, 'x{a="1",b="2"}': 4 },
	},
	...["1a", "a-b", "", 'a="1"} 7\nevil{b', "é", "a b"].map(
		(label): Rule => ({
			row: 19,
			title: `the label name ${JSON.stringify(label)}`,
			modules: { m: around(gauge("x", value(1, { [label]: "v" }), value(2, { ok: "v" }))) },
			series: { ...GOOD, 'x{ok="v"}': 2 },
			drops: { "m invalid_label_name": 1 },
		}),
	),
	...["__name__", "__foo"].map(
		(label): Rule => ({
			row: label === "__name__" ? 20 : 21,
			title: `the label ${label}`,
			modules: { m: around(gauge("x", value(1, { [label]: "v" }), value(2))) },
			series: { ...GOOD, x: 2 },
			drops: { "m reserved_label": 1 },
		}),
	),
	{
		row: 22,
		title: "label values that are no text",
		modules: {
			m: around(
				gauge(
					"x",
					value(1, { a: ['b"} 1\nevil{a="c'] }),
					value(2, { a: { toString: () => "x" } }),
					value(3, { a: 7 }),
					value(4, { a: true }),
					value(5, { a: new Date(0) }),
					value(6, { a: undefined, b: "1" }),
				),
			),
		},
		series: { ...GOOD, 'x{a="7"}': 3, 'x{a="true"}': 4, [`x{a="${new Date(0).toString()}"}`]: 5, 'x{b="1"}': 6 },
		drops: { "m invalid_label_value": 2 },
	},
	...(
		[
			[22, "an array", ["0.5"], "invalid_label_value"],
			[22, "an object", {}, "invalid_label_value"],
			[4, "a function", () => 1, "invalid_payload"],
			[24, "a lone surrogate", LONE_SURROGATE, "invalid_label_value"],
			[42, "a text that is too long", "0".repeat(2000), "label_too_long"],
		] as const
	).map(
		([row, what, bad, reason]): Rule => ({
			row,
			title: `a histogram and a summary of which one bound is ${what}: the whole label set goes`,
			modules: {
				m: around(
					histogram(
						"h",
						histogramValues("h", {
							labels: { s: "bad" },
							buckets: [
								[1, 1],
								[bad, 1],
								["+Inf", 2],
							],
						}),
						histogramValues("h", { labels: { s: "ok" }, buckets: [["+Inf", 2]] }),
					),
					summary(
						"s",
						summaryValues("s", {
							labels: { s: "bad" },
							quantiles: [
								[0.5, 1],
								[bad, 2],
							],
						}),
						summaryValues("s", { labels: { s: "ok" } }),
					),
				),
			},
			series: {
				...GOOD,
				'h_bucket{le="+Inf",s="ok"}': 2,
				'h_sum{s="ok"}': 3,
				'h_count{s="ok"}': 2,
				's{quantile="0.5",s="ok"}': 1,
				's_sum{s="ok"}': 3,
				's_count{s="ok"}': 2,
			},
			drops: { [`m ${reason}`]: 2 },
		}),
	),
	{
		row: 23,
		title: "label values that must be escaped, and those that must not",
		modules: {
			m: around(gauge("x", value(1, { a: '\n"\\' }), value(2, { a: "\r\t\u0000\u2028" }), value(3, { a: "\\n" }))),
		},
		series: { ...GOOD, 'x{a="\\n\\"\\\\"}': 1, [`x{a=${JSON.stringify("\r\t\u0000\u2028")}}`]: 2, 'x{a="\\\\n"}': 3 },
		text: ['x{a="\\n\\"\\\\"} 1\n', 'x{a="\\\\n"} 3\n'],
	},
	{
		row: 24,
		title: "label values that are no UTF-8",
		modules: {
			m: around(gauge("x", value(1, { a: LONE_SURROGATE }), value(2, { a: "\udc00" }), value(3, { a: "\ufffd" }))),
		},
		series: { ...GOOD, 'x{a="\ufffd"}': 3 },
		drops: { "m invalid_label_value": 2 },
	},
	{
		row: 25,
		title: "values that are no numbers",
		modules: {
			m: around(
				gauge(
					"x",
					...["7", null, undefined, true, 7n, {}, [], "NaN"].map((bad, index) => value(bad, { i: index })),
					value(1),
				),
				gauge("y", {
					labels: {},
					get value() {
						return throws();
					},
				}),
			),
		},
		series: { ...GOOD, x: 1 },
		drops: { "m invalid_value": 9 },
	},
	{
		row: 26,
		title: "gauges that are not finite",
		modules: {
			m: around(gauge("x", value(Number.NaN, { v: 1 }), value(Infinity, { v: 2 }), value(-Infinity, { v: 3 }))),
		},
		series: { ...GOOD, 'x{v="1"}': Number.NaN, 'x{v="2"}': Infinity, 'x{v="3"}': -Infinity },
		text: ['x{v="1"} NaN\n', 'x{v="2"} +Inf\n', 'x{v="3"} -Inf\n'],
	},
	{
		row: 27,
		title: "counters that are NaN or negative",
		modules: { m: around(counter("x_total", value(Number.NaN, { v: 1 }), value(-1, { v: 2 }), value(0, { v: 3 }))) },
		series: { ...GOOD, 'x_total{v="3"}': 0 },
		drops: { "m counter_invalid_value": 2 },
	},
	{
		row: 28,
		title: "a counter that falls within a generation",
		modules: [
			["m", around(counter("x_total", value(10)))],
			["m", around(counter("x_total", value(4)))],
		],
		series: { ...GOOD, x_total: 4 },
		warnings: ["m counter_reset"],
	},
	...(
		[
			[
				29,
				"buckets that are not cumulative",
				{
					buckets: [
						[1, 2],
						[2, 1],
						["+Inf", 2],
					],
				},
			],
			[30, "no +Inf bucket", { buckets: [[1, 2]] }],
			[31, "a count that differs from the +Inf bucket", { count: 3 }],
			[31, "no count", { count: null }],
			[
				32,
				"a bound that is no number",
				{
					buckets: [
						["bla", 1],
						["+Inf", 2],
					],
				},
			],
			[
				32,
				"a bound NaN",
				{
					buckets: [
						[Number.NaN, 1],
						["+Inf", 2],
					],
				},
			],
			[
				32,
				"no bound",
				{
					buckets: [
						[undefined, 1],
						["+Inf", 2],
					],
				},
			],
			[
				32,
				"a bound twice",
				{
					buckets: [
						[1, 1],
						[1, 1],
						["+Inf", 2],
					],
				},
			],
			[
				32,
				"a bound twice, written differently",
				{
					buckets: [
						["1", 1],
						["1.0", 1],
						["+Inf", 2],
					],
				},
			],
			[
				33,
				"a negative bucket",
				{
					buckets: [
						[1, -1],
						["+Inf", 2],
					],
				},
			],
			[
				33,
				"a bucket NaN",
				{
					buckets: [
						[1, Number.NaN],
						["+Inf", 2],
					],
				},
			],
			[
				33,
				"a bucket that is no whole number",
				{
					buckets: [
						[1, 0.5],
						["+Inf", 2],
					],
				},
			],
			[
				33,
				"a count that is no whole number",
				{
					buckets: [
						[1, 1],
						["+Inf", 2.5],
					],
					count: 2.5,
				},
			],
			[
				33,
				"a bucket that is no number",
				{
					buckets: [
						[1, "1"],
						["+Inf", 2],
					],
				},
			],
			[33, "a sum NaN", { sum: Number.NaN }],
			[33, "a negative sum without negative bounds", { sum: -1 }],
		] as const
	).map(
		([row, title, broken]): Rule => ({
			row,
			title: `a histogram with ${title}`,
			modules: {
				m: around(
					histogram(
						"h",
						histogramValues("h", { ...broken, labels: { s: "bad" } }),
						histogramValues("h", { labels: { s: "ok" } }),
					),
				),
			},
			series: {
				...GOOD,
				'h_bucket{le="1",s="ok"}': 1,
				'h_bucket{le="+Inf",s="ok"}': 2,
				'h_sum{s="ok"}': 3,
				'h_count{s="ok"}': 2,
			},
			openmetrics: {
				...GOOD,
				'h_bucket{le="1.0",s="ok"}': 1,
				'h_bucket{le="+Inf",s="ok"}': 2,
				'h_sum{s="ok"}': 3,
				'h_count{s="ok"}': 2,
			},
			drops: { "m histogram_invalid": 1 },
		}),
	),
	{
		row: 32,
		title: "a histogram whose buckets are only out of order",
		modules: {
			m: around(
				histogram(
					"h",
					histogramValues("h", {
						buckets: [
							["+Inf", 2],
							[0.5, 1],
							[1.5, 1],
						],
					}),
				),
			),
		},
		series: {
			...GOOD,
			'h_bucket{le="0.5"}': 1,
			'h_bucket{le="1.5"}': 1,
			'h_bucket{le="+Inf"}': 2,
			h_sum: 3,
			h_count: 2,
		},
	},
	{
		row: 33,
		title: "a negative sum with negative bounds",
		modules: {
			m: around(
				histogram(
					"h",
					histogramValues("h", {
						buckets: [
							[-1.5, 2],
							["+Inf", 2],
						],
						sum: -4,
					}),
				),
			),
		},
		series: { ...GOOD, 'h_bucket{le="-1.5"}': 2, 'h_bucket{le="+Inf"}': 2, h_sum: -4, h_count: 2 },
		openmetrics: { ...GOOD, 'h_bucket{le="-1.5"}': 2, 'h_bucket{le="+Inf"}': 2 },
	},
	{
		row: 34,
		title: "bucket layouts that differ between label sets",
		modules: {
			m: around(
				histogram(
					"h",
					histogramValues("h", {
						labels: { s: "1" },
						buckets: [
							[0.5, 1],
							["+Inf", 2],
						],
					}),
					histogramValues("h", { labels: { s: "2" }, buckets: [["+Inf", 2]] }),
				),
			),
		},
		series: {
			...GOOD,
			'h_bucket{le="0.5",s="1"}': 1,
			'h_bucket{le="+Inf",s="1"}': 2,
			'h_sum{s="1"}': 3,
			'h_count{s="1"}': 2,
			'h_bucket{le="+Inf",s="2"}': 2,
			'h_sum{s="2"}': 3,
			'h_count{s="2"}': 2,
		},
		warnings: ["m bucket_layout_mismatch"],
	},
	{
		row: 34,
		title: "bucket layouts that differ from the owner's in one of two other modules",
		modules: {
			m: around(histogram("h", histogramValues("h", { labels: { of: "m" }, buckets: [["+Inf", 2]] }))),
			n: [histogram("h", histogramValues("h", { labels: { of: "n" }, buckets: [["+Inf", 2]] }))],
			o: [
				histogram(
					"h",
					histogramValues("h", {
						labels: { of: "o" },
						buckets: [
							[0.5, 1],
							["+Inf", 2],
						],
					}),
				),
			],
		},
		series: {
			...GOOD,
			'h_bucket{le="+Inf",of="m"}': 2,
			'h_sum{of="m"}': 3,
			'h_count{of="m"}': 2,
			'h_bucket{le="+Inf",of="n"}': 2,
			'h_sum{of="n"}': 3,
			'h_count{of="n"}': 2,
			'h_bucket{le="0.5",of="o"}': 1,
			'h_bucket{le="+Inf",of="o"}': 2,
			'h_sum{of="o"}': 3,
			'h_count{of="o"}': 2,
		},
		warnings: ["o bucket_layout_mismatch"],
	},
	...(
		[
			["a quantile that is no number", { quantiles: [["bla", 1]] }],
			["a quantile above 1", { quantiles: [[1.5, 1]] }],
			["a quantile NaN", { quantiles: [[Number.NaN, 1]] }],
			["no quantile label", { quantiles: [[undefined, 1]] }],
			[
				"a quantile twice",
				{
					quantiles: [
						[0.5, 1],
						["0.50", 1],
					],
				},
			],
			["a negative count", { count: -1 }],
			["a value that is no number", { quantiles: [[0.5, "1"]] }],
		] as const
	).map(
		([title, broken]): Rule => ({
			row: 35,
			title: `a summary with ${title}`,
			modules: {
				m: around(
					summary(
						"s",
						summaryValues("s", { ...broken, labels: { s: "bad" } }),
						summaryValues("s", { labels: { s: "ok" } }),
					),
				),
			},
			series: { ...GOOD, 's{quantile="0.5",s="ok"}': 1, 's_sum{s="ok"}': 3, 's_count{s="ok"}': 2 },
			drops: { "m summary_invalid": 1 },
		}),
	),
	{
		row: 35,
		title: "a summary of negative observations, which OpenMetrics cannot tell",
		modules: {
			m: around(
				summary(
					"s",
					summaryValues("s", {
						quantiles: [
							[0.5, -1.5],
							[0.9, 2],
						],
						sum: -3,
					}),
				),
			),
		},
		series: { ...GOOD, 's{quantile="0.5"}': -1.5, 's{quantile="0.9"}': 2, s_sum: -3, s_count: 2 },
		openmetrics: { ...GOOD, 's{quantile="0.9"}': 2, s_count: 2 },
	},
	{
		row: 36,
		title: "le and quantile where they mean nothing",
		modules: { m: around(gauge("x", value(1, { le: "1" })), counter("y_total", value(2, { quantile: "bla" }))) },
		series: { ...GOOD, 'x{le="1"}': 1, 'y_total{quantile="bla"}': 2 },
		warnings: ["m reserved_label", "m reserved_label"],
	},
	{
		row: 37,
		title: "samples under a foreign name",
		modules: {
			m: around(
				gauge("x", { metricName: "up", labels: {}, value: 0 }, { metricName: "x_sum", labels: {}, value: 0 }, value(1)),
				histogram("h", histogramValues("h"), { metricName: "h_total", labels: {}, value: 1 }, { labels: {}, value: 1 }),
				summary("s", summaryValues("s"), { metricName: "s_bucket", labels: { le: "1" }, value: 1 }),
				gauge("y", { metricName: 'y 1\nevil{a="', labels: {}, value: 1 }),
			),
		},
		series: {
			...GOOD,
			x: 1,
			'h_bucket{le="1"}': 1,
			'h_bucket{le="+Inf"}': 2,
			h_sum: 3,
			h_count: 2,
			's{quantile="0.5"}': 1,
			s_sum: 3,
			s_count: 2,
		},
		openmetrics: {
			...GOOD,
			x: 1,
			'h_bucket{le="1.0"}': 1,
			'h_bucket{le="+Inf"}': 2,
			h_sum: 3,
			h_count: 2,
			's{quantile="0.5"}': 1,
			s_sum: 3,
			s_count: 2,
		},
		drops: { "m foreign_sample_name": 6 },
	},
	...["x_count", "x_sum", "x_bucket", "x_created"].flatMap((name): Rule[] => [
		{
			row: 38,
			title: `a histogram and then the gauge ${name}`,
			modules: {
				m: around(histogram("x", histogramValues("x", { buckets: [["+Inf", 2]] }))),
				n: [gauge(name, value(1))],
			},
			series: { ...GOOD, 'x_bucket{le="+Inf"}': 2, x_sum: 3, x_count: 2 },
			drops: { "n suffix_collision": 1 },
		},
		{
			row: 38,
			title: `the gauge ${name} and then a histogram`,
			modules: { n: around(gauge(name, value(1))), m: [histogram("x", histogramValues("x"))] },
			series: { ...GOOD, [name]: 1 },
			drops: { "m suffix_collision": 1 },
		},
	]),
	...(
		[
			[counter("foo_total", value(1)), gauge("foo", value(2)), "foo_total"],
			[counter("foo", value(1)), gauge("foo_created", value(2)), "foo_total"],
			[counter("foo", value(1)), counter("foo_total", value(2)), "foo_total"],
			[gauge("foo", value(1)), counter("foo_total", value(2)), "foo"],
		] as const
	).map(
		([first, second, openmetricsName]): Rule => ({
			row: 39,
			title: `the ${first.type} ${first.name} and then the ${second.type} ${second.name}`,
			modules: { m: around(first), n: [second] },
			series: { ...GOOD, [first.name]: 1 },
			openmetrics: { ...GOOD, [openmetricsName]: 1 },
			drops: { "n suffix_collision": 1 },
		}),
	),
	{
		row: 40,
		title: "names that are only unusual",
		modules: { m: around(gauge("x_total", value(1)), counter("y", value(2)), gauge("z_info", value(3))) },
		series: { ...GOOD, x_total: 1, y: 2, z_info: 3 },
		openmetrics: { ...GOOD, x_total: 1, y_total: 2, z_info: 3 },
	},
	{
		row: 41,
		title: "more series than the limit: the first families, whole, until one does not fit",
		modules: {
			m: [
				FIRST,
				gauge("x", value(1, { a: 1 }), value(2, { a: 2 })),
				gauge("y", value(1, { a: 1 }), value(2, { a: 2 })),
				gauge("z", value(1)),
			],
			n: [gauge("other", value(1))],
		},
		limits: { maxSeries: 4 },
		series: { good_first: 1, 'x{a="1"}': 1, 'x{a="2"}': 2, other: 1 },
		drops: { "m series_limit": 3 },
	},
	{
		row: 41,
		title: "a histogram counts with all of its lines",
		modules: { m: [FIRST, histogram("h", histogramValues("h")), LAST] },
		limits: { maxSeries: 4 },
		series: { good_first: 1 },
		drops: { "m series_limit": 5 },
	},
	{
		row: 42,
		title: "too many labels, and names and values that are too long",
		modules: {
			m: around(
				gauge(
					"x",
					value(1, Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`l${index}`, "v"]))),
					value(2, Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`l${index}`, "v"]))),
					value(3, { a: "v".repeat(65_536) }),
					value(4, { a: "é".repeat(513) }),
					value(5, { ["n".repeat(2000)]: "v" }),
					value(5, { ["n".repeat(201)]: "v" }),
					value(6, { a: "é".repeat(512) }),
					value(7, { ["n".repeat(200)]: "v" }),
				),
				gauge("n".repeat(201), value(1)),
				gauge("n".repeat(200), value(1)),
			),
		},
		series: {
			...GOOD,
			[`x{a="${"é".repeat(512)}"}`]: 6,
			[`x{${"n".repeat(200)}="v"}`]: 7,
			["n".repeat(200)]: 1,
		},
		drops: { "m label_limit": 2, "m label_too_long": 5 },
	},
	{
		row: 43,
		title: "a timestamp is ignored, its value is not",
		modules: { m: around(gauge("x", { value: 7, labels: {}, timestamp: 1_000_000 })) },
		series: { ...GOOD, x: 7 },
		warnings: ["m timestamp_ignored"],
		text: ["\nx 7\n"],
	},
	{
		row: 44,
		title: "exemplars: good ones stay in OpenMetrics, bad ones cost only themselves",
		modules: {
			m: around(
				counter(
					"x_total",
					{ value: 1, labels: { v: "ok" }, exemplar: { labelSet: { trace_id: 'a"b' }, value: 0.5, timestamp: 1.25 } },
					{ value: 2, labels: { v: "timeless" }, exemplar: { labelSet: {}, value: 1 } },
					{ value: 3, labels: { v: "long" }, exemplar: { labelSet: { trace_id: "x".repeat(121) }, value: 1 } },
					{ value: 4, labels: { v: "text" }, exemplar: { labelSet: {}, value: "1" } },
					{ value: 5, labels: { v: "time" }, exemplar: { labelSet: {}, value: 1, timestamp: "soon" } },
					{ value: 6, labels: { v: "label" }, exemplar: { labelSet: { "a-b": "1" }, value: 1 } },
					{ value: 7, labels: { v: "none" }, exemplar: 7 },
				),
				gauge("g", { value: 8, labels: {}, exemplar: { labelSet: {}, value: 1 } }),
			),
		},
		series: {
			...GOOD,
			'x_total{v="ok"}': 1,
			'x_total{v="timeless"}': 2,
			'x_total{v="long"}': 3,
			'x_total{v="text"}': 4,
			'x_total{v="time"}': 5,
			'x_total{v="label"}': 6,
			'x_total{v="none"}': 7,
			g: 8,
		},
		drops: { "m exemplar_invalid": 6 },
		text: ['x_total{v="ok"} 1\n'],
		openmetricsText: [
			'x_total{v="ok"} 1 # {trace_id="a\\"b"} 0.5 1.25\n',
			'x_total{v="timeless"} 2 # {} 1\n',
			'x_total{v="long"} 3\n',
		],
	},
	{ row: 45, title: "an empty registry", modules: { m: [] }, series: {} },
	{
		row: 45,
		title: "a family without samples",
		modules: { m: around(gauge("x")) },
		series: GOOD,
		text: ["# HELP x A gauge.\n# TYPE x gauge\n"],
	},
	{
		row: 46,
		title: "names of the prototype",
		modules: {
			m: around(
				gauge("constructor", value(1, { constructor: "1", hasOwnProperty: "2" })),
				gauge("toString", value(2)),
				gauge("x", { value: 1, labels: JSON.parse('{"__proto__": "polluted"}') }, value(2)),
				gauge("__proto__", value(3)),
			),
		},
		series: { ...GOOD, 'constructor{constructor="1",hasOwnProperty="2"}': 1, toString: 2, x: 2 },
		drops: { "m reserved_label": 1, "m reserved_name": 1 },
	},
];

const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;

for (const rule of RULES) {
	test(`row ${rule.row}: ${rule.title}`, async () => {
		const collector = createCollector({
			limits: { maxSeries: 10_000, maxLabels: 30, maxLabelLength: 1024, ...rule.limits },
			host: rule.host === undefined ? [] : [hostSource(rule.host)],
		});
		const modules = Array.isArray(rule.modules) ? rule.modules : Object.entries(rule.modules);
		for (const [moduleId, families] of modules) await collector.collect(moduleId, families);

		const series = new Map(Object.entries(rule.series ?? {}));
		assert.deepEqual(seriesOf(await collector.families()), series, "the text page");
		const openmetrics = rule.openmetrics ?? rule.series ?? {};
		assert.deepEqual(
			seriesOf(await collector.families(OPENMETRICS)),
			new Map(Object.entries(openmetrics)),
			"OpenMetrics",
		);
		await collector.families(TEXT_UTF8);
		await collector.families(OPENMETRICS_UTF8);

		assert.deepEqual(new Map(collector.dropped), new Map(Object.entries(rule.drops ?? {})));
		const ids = [...new Set(modules.map(([moduleId]) => moduleId as string))];
		const reports = ids.map((id) => ({ id, report: collector.aggregate.report(id) }));
		const warnings = reports.flatMap(({ id, report }) => report?.warnings.map(({ reason }) => `${id} ${reason}`) ?? []);
		assert.deepEqual(warnings.toSorted(), [...(rule.warnings ?? [])].toSorted());
		const failed = reports.filter(({ report }) => report?.success === false).map(({ id }) => id);
		assert.deepEqual(failed, rule.failed ?? []);

		const page = await collector.text();
		for (const piece of rule.text ?? []) assert.ok(page.includes(piece), `${piece} in\n${page}`);
		const openmetricsPage = await collector.text(OPENMETRICS);
		for (const piece of rule.openmetricsText ?? [])
			assert.ok(openmetricsPage.includes(piece), `${piece} in\n${openmetricsPage}`);
		if (hasPromtool) assert.notEqual(promtoolVerdict(page), "refused");
	});
}

test("every drop reason and every warning is in a rule, or is one that a snapshot alone cannot cause", async () => {
	const { DROP_REASONS, WARNING_REASONS } = await import("../../src/metrics/drop-log.ts");
	const shown = new Set(
		RULES.flatMap(({ drops, warnings }) => [...Object.keys(drops ?? {}), ...(warnings ?? [])]).map(
			(key) => key.split(" ")[1],
		),
	);
	const elsewhere = new Set(["collect_error", "collect_timeout", "payload_too_large"]);
	assert.deepEqual(
		[...DROP_REASONS, ...WARNING_REASONS].filter((reason) => !shown.has(reason) && !elsewhere.has(reason)),
		[],
	);
});

/** 0 is clean, 3 is lint (a gauge named `x_total`); anything else is a page that Prometheus would refuse. */
function promtoolVerdict(page: string): "clean" | "lint" | "refused" {
	const { status } = spawnSync("promtool", ["check", "metrics"], { input: page });
	return status === 0 ? "clean" : status === 3 ? "lint" : "refused";
}
