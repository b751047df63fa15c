/** What becomes of labels, and of series that are alike: rows 4, 15 to 24, 36 and 42. */
import { counter, gauge, histogram, histogramValues, summary, summaryValues, value } from "../raw-families.ts";
import { around, GOOD, LONE_SURROGATE, type Rule, throws } from "./rule.ts";

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
export const LABEL_RULES: readonly Rule[] = [
	{
		row: 4,
		title: "labels that cannot be cloned",
		modules: { m: around(gauge("g", value(1, { a: () => 1 }), value(2, { a: Symbol("s") }), value(3, { a: "ok" }))) },
		series: { ...GOOD, 'g{a="ok"}': 3 },
		drops: { "m invalid_payload": 2 },
	},
	{
		row: 4,
		title: "labels that cannot be read, and labels that are none",
		modules: {
			m: around(
				gauge(
					"g",
					value(1, {
						get a() {
							return throws();
						},
					}),
					{ value: 2, labels: new Proxy({}, { ownKeys: throws }) },
					{ value: 3, labels: "a" },
					{ value: 4 },
				),
			),
		},
		series: { ...GOOD, g: 4 },
		drops: { "m invalid_payload": 3 },
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
		title: "one series twice in one module with the same value, and one counter with another",
		modules: {
			m: around(
				gauge("x", value(1, { a: "1" }), value(1, { a: "1" })),
				counter("y_total", value(1), value(2)),
				gauge("x", value(3, { a: "1" })),
			),
		},
		series: { ...GOOD, 'x{a="1"}': 1, y_total: 1 },
		drops: { "m duplicate_series": 3 },
	},
	{
		row: 15,
		title: "the sum and count of one summary twice in one module",
		modules: { m: around(summary("s", summaryValues("s"), summaryValues("s", { quantiles: [], sum: 5, count: 5 }))) },
		series: { ...GOOD, 's{quantile="0.5"}': 1, s_sum: 3, s_count: 2 },
		drops: { "m duplicate_series": 2 },
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
		title: "one histogram and one summary in two modules: the later module's label set goes whole",
		modules: {
			m: around(histogram("h", histogramValues("h", { buckets: [["+Inf", 2]] })), summary("s", summaryValues("s"))),
			n: [
				histogram(
					"h",
					histogramValues("h", { buckets: [["+Inf", 7]], count: 7 }),
					histogramValues("h", { labels: { a: "1" }, buckets: [["+Inf", 2]] }),
				),
				summary("s", summaryValues("s", { count: 7, sum: 7 })),
			],
		},
		series: {
			...GOOD,
			'h_bucket{le="+Inf"}': 2,
			h_sum: 3,
			h_count: 2,
			'h_bucket{a="1",le="+Inf"}': 2,
			'h_sum{a="1"}': 3,
			'h_count{a="1"}': 2,
			's{quantile="0.5"}': 1,
			s_sum: 3,
			s_count: 2,
		},
		drops: { "n duplicate_series": 2 },
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
	...["1a", "a-b", "", 'a="1"} 7\nevil{b', "é", "a b", "a=b", "a\nb", "a,b", LONE_SURROGATE].map(
		(label): Rule => ({
			row: 19,
			title: `the label name ${JSON.stringify(label)}`,
			modules: { m: around(gauge("x", value(1, { [label]: "v" }), value(2, { ok: "v" }))) },
			series: { ...GOOD, 'x{ok="v"}': 2 },
			drops: { "m invalid_label_name": 1 },
		}),
	),
	{
		row: 21,
		title: "a reserved label on a histogram and a summary: each of its samples goes",
		modules: {
			m: around(
				histogram("h", histogramValues("h", { labels: { __a: "1" } })),
				summary("s", summaryValues("s", { labels: { __a: "1" } })),
			),
		},
		series: GOOD,
		drops: { "m reserved_label": 7 },
	},
	...["__name__", "__foo", "__"].map(
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
					value(7, { a: null, b: "2" }),
					value(8, { a: 8n }),
					value(9, { a: Number.NaN, b: -Infinity }),
					value(10, { a: false }),
					value(11, { a: Object.assign(new Date(0), { toString: () => 'x"} 1\n' }), b: "3" }),
					value(12, { a: new Map([["b", "c"]]) }),
					value(13, { a: new Uint8Array(2) }),
					value(14, { a: Object("boxed") as unknown }),
					value(15, { a: [] }),
				),
			),
		},
		series: {
			...GOOD,
			'x{a="7"}': 3,
			'x{a="true"}': 4,
			[`x{a="${new Date(0).toString()}"}`]: 5,
			'x{b="1"}': 6,
			'x{b="2"}': 7,
			'x{a="8"}': 8,
			'x{a="NaN",b="-Infinity"}': 9,
			'x{a="false"}': 10,
			[`x{a="${new Date(0).toString()}",b="3"}`]: 11,
		},
		drops: { "m invalid_label_value": 6 },
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
			m: around(
				gauge(
					"x",
					value(1, { a: LONE_SURROGATE }),
					value(2, { a: "\udc00" }),
					value(3, { a: "\ufffd" }),
					value(4, { a: "\udc00\ud800" }),
					value(5, { a: "\ud83d\ude00" }),
					value(6, { a: "\u{10ffff}\ufeff\uffff" }),
				),
			),
		},
		series: { ...GOOD, 'x{a="\ufffd"}': 3, 'x{a="\ud83d\ude00"}': 5, 'x{a="\u{10ffff}\ufeff\uffff"}': 6 },
		drops: { "m invalid_label_value": 3 },
	},
	{
		row: 36,
		title: "le and quantile where they mean nothing",
		modules: {
			m: around(
				gauge("x", value(1, { le: "1" })),
				counter("y_total", value(2, { quantile: "bla" })),
				gauge("both", value(3, { le: "1", quantile: "1" })),
			),
		},
		series: { ...GOOD, 'x{le="1"}': 1, 'y_total{quantile="bla"}': 2, 'both{le="1",quantile="1"}': 3 },
		warnings: ["m reserved_label", "m reserved_label", "m reserved_label"],
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
		row: 42,
		title: "labels that are too long together",
		modules: { m: around(gauge("x", value(1, labelsOf(20, "v".repeat(16_000))), value(2, labelsOf(5, "v")))) },
		limits: { maxLabelLength: 16_384 },
		series: { ...GOOD, 'x{l0="v",l1="v",l2="v",l3="v",l4="v"}': 2 },
		drops: { "m label_too_long": 1 },
	},
];
