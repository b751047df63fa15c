/** What becomes of samples, their values, names, times and exemplars: rows 25 to 28, 37, 40, 43 and 44. */
import { counter, gauge, histogram, histogramValues, summary, summaryValues, value } from "../raw-families.ts";
import { around, GOOD, LONE_SURROGATE, type Rule, throws } from "./rule.ts";
export const VALUE_RULES: readonly Rule[] = [
	{
		row: 25,
		title: "values that are no numbers",
		modules: {
			m: around(
				gauge(
					"x",
					...["7", null, undefined, true, 7n, {}, [], "NaN", new Date(0), Object(7)].map((bad, index) =>
						value(bad, { i: index }),
					),
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
		drops: { "m invalid_value": 11 },
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
		modules: {
			m: around(
				counter("x_total", ...[Number.NaN, -1, 0, -Infinity, Infinity, -0].map((amount, v) => value(amount, { v }))),
			),
		},
		series: { ...GOOD, 'x_total{v="2"}': 0, 'x_total{v="4"}': Infinity, 'x_total{v="5"}': 0 },
		drops: { "m counter_invalid_value": 3 },
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
	{
		row: 37,
		title: "samples under a foreign name",
		modules: {
			m: around(
				gauge("x", { metricName: "up", labels: {}, value: 0 }, { metricName: "x_sum", labels: {}, value: 0 }, value(1)),
				histogram("h", histogramValues("h"), { metricName: "h_total", labels: {}, value: 1 }, { labels: {}, value: 1 }),
				summary("s", summaryValues("s"), { metricName: "s_bucket", labels: { le: "1" }, value: 1 }),
				gauge("y", ...['y 1\nevil{a="', 7, null, {}].map((metricName) => ({ metricName, labels: {}, value: 1 }))),
				counter("z_total", { metricName: "z_created", labels: {}, value: 1 }),
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
		drops: { "m foreign_sample_name": 10 },
	},
	{
		row: 40,
		title: "names that are only unusual",
		modules: { m: around(gauge("x_total", value(1)), counter("y", value(2)), gauge("z_info", value(3))) },
		series: { ...GOOD, x_total: 1, y: 2, z_info: 3 },
		openmetrics: { ...GOOD, x_total: 1, y_total: 2, z_info: 3 },
	},
	{
		row: 43,
		title: "a timestamp is ignored, its value is not",
		modules: {
			m: around(
				gauge("x", { value: 7, labels: {}, timestamp: 1_000_000 }),
				gauge("y", { value: 8, labels: {}, timestamp: "soon" }, { value: 9, labels: { a: "1" }, timestamp: null }),
				histogram(
					"h",
					histogramValues("h", { buckets: [["+Inf", 2]] }).map((sample) => ({ ...sample, timestamp: 1 })),
				),
				summary(
					"s",
					summaryValues("s").map((sample) => ({ ...sample, timestamp: 1 })),
				),
			),
		},
		series: {
			...GOOD,
			x: 7,
			y: 8,
			'y{a="1"}': 9,
			'h_bucket{le="+Inf"}': 2,
			h_sum: 3,
			h_count: 2,
			's{quantile="0.5"}': 1,
			s_sum: 3,
			s_count: 2,
		},
		warnings: ["m timestamp_ignored", "m timestamp_ignored", "m timestamp_ignored", "m timestamp_ignored"],
		text: ["\nx 7\n", "\ny 8\n", '\nh_bucket{le="+Inf"} 2\n'],
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
	{
		row: 44,
		title: "exemplars with labels, values and times that may not be",
		modules: {
			m: around(
				counter(
					"x_total",
					...[
						{ labelSet: { __a: "1" }, value: 1 },
						{ labelSet: { a: LONE_SURROGATE }, value: 1 },
						{ labelSet: { a: ["1"] }, value: 1 },
						{ labelSet: { a: 'b"} 1\nevil{c="d' }, value: Number.NaN },
						{ labelSet: {}, value: 1, timestamp: Infinity },
						{ labelSet: { ["n".repeat(64)]: "é".repeat(65) }, value: 1 },
						{ labelSet: { ["n".repeat(64)]: "é".repeat(64) }, value: 1 },
						{ labelSet: { a: 'b"} 1\nevil{c="d' }, value: Infinity },
						{},
						[],
						null,
					].map((exemplar, v) => ({ value: v, labels: { v }, exemplar })),
				),
			),
		},
		series: {
			...GOOD,
			...Object.fromEntries(Array.from({ length: 11 }, (_, v) => [`x_total{v="${v}"}`, v])),
		},
		drops: { "m exemplar_invalid": 8 },
		openmetricsText: [
			`x_total{v="6"} 6 # {${"n".repeat(64)}="${"é".repeat(64)}"} 1\n`,
			'x_total{v="7"} 7 # {a="b\\"} 1\\nevil{c=\\"d"} +Inf\n',
		],
	},
	{
		row: 44,
		title: "exemplars on a bucket, and on what may have none",
		modules: {
			m: around(
				histogram(
					"h",
					histogramValues("h").map((sample) => ({ ...sample, exemplar: { labelSet: { trace_id: "a" }, value: 0.5 } })),
				),
				summary(
					"s",
					summaryValues("s").map((sample) => ({ ...sample, exemplar: { labelSet: {}, value: 0.5 } })),
				),
			),
		},
		series: {
			...GOOD,
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
			'h_bucket{le="1.0"}': 1,
			'h_bucket{le="+Inf"}': 2,
			h_sum: 3,
			h_count: 2,
			's{quantile="0.5"}': 1,
			s_sum: 3,
			s_count: 2,
		},
		drops: { "m exemplar_invalid": 5 },
		openmetricsText: ['h_bucket{le="1.0"} 1 # {trace_id="a"} 0.5\n', 'h_bucket{le="+Inf"} 2 # {trace_id="a"} 0.5\n'],
	},
];
