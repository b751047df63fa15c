/** What becomes of histograms and summaries, each label set a unit: rows 29 to 35. */
import { histogram, histogramValues, summary, summaryValues } from "../raw-families.ts";
import { around, GOOD, type Rule } from "./rule.ts";

/** All samples but those of one name. */
const without = (metricName: string, samples: readonly object[]): readonly object[] =>
	samples.filter((sample) => !("metricName" in sample) || sample.metricName !== metricName);
export const GROUP_RULES: readonly Rule[] = [
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
			[30, "no bucket at all", { buckets: [] }],
			[31, "a count that differs from the +Inf bucket", { count: 3 }],
			[31, "a count that is no number", { count: null }],
			...["0x10", " 1", "1_000", "1,5", "", "-", "[object Object]"].map(
				(le) =>
					[
						32,
						`the bound ${JSON.stringify(le)}`,
						{
							buckets: [
								[le, 1],
								["+Inf", 2],
							],
						},
					] as const,
			),
			[
				32,
				"+Inf twice, written differently",
				{
					buckets: [
						["Infinity", 2],
						["+Inf", 2],
					],
				},
			],
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
			[
				33,
				"an infinite bucket",
				{
					buckets: [
						[1, 1],
						["+Inf", Infinity],
					],
					count: Infinity,
				},
			],
			[33, "a count NaN", { count: Number.NaN }],
			[33, "a negative count", { buckets: [["+Inf", -2]], count: -2 }],
			[33, "a sum that is no number", { sum: "3" }],
			[33, "a sum of minus infinity", { sum: -Infinity }],
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
	...["sum", "count"].map(
		(total): Rule => ({
			row: 31,
			title: `a histogram without its ${total}`,
			modules: { m: around(histogram("h", without(`h_${total}`, histogramValues("h")))) },
			series: GOOD,
			drops: { "m histogram_invalid": 1 },
		}),
	),
	...["sum", "count"].map(
		(total): Rule => ({
			row: 35,
			title: `a summary without its ${total}`,
			modules: { m: around(summary("s", without(`s_${total}`, summaryValues("s")))) },
			series: GOOD,
			drops: { "m summary_invalid": 1 },
		}),
	),
	{
		row: 35,
		title: "a summary of quantiles alone, and one of totals alone",
		modules: {
			m: around(
				summary("q", without("q_sum", without("q_count", summaryValues("q", { quantiles: [[0, Number.NaN]] })))),
				summary("s", summaryValues("s", { quantiles: [] })),
			),
		},
		series: { ...GOOD, 'q{quantile="0"}': Number.NaN, s_sum: 3, s_count: 2 },
		openmetrics: { ...GOOD, 'q{quantile="0.0"}': Number.NaN, s_sum: 3, s_count: 2 },
	},
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
			["a negative quantile", { quantiles: [[-0.5, 1]] }],
			["the quantile +Inf", { quantiles: [["+Inf", 1]] }],
			["an empty quantile", { quantiles: [["", 1]] }],
			["a count that is no whole number", { count: 1.5 }],
			["a count NaN", { count: Number.NaN }],
			["a sum NaN", { sum: Number.NaN }],
			["a sum that is no number", { sum: "3" }],
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
];
