/** What becomes of payloads and families: rows 1, 6 to 14, 38, 39, 41, 45 and 46. */
import {
	counter,
	gauge,
	histogram,
	histogramValues,
	type RawFamily,
	summary,
	summaryValues,
	value,
} from "../raw-families.ts";
import { around, FIRST, GOOD, LAST, LONE_SURROGATE, type Rule, throws } from "./rule.ts";

/** An array that does not say how long it is. */
const lengthless = new Proxy([], { get: (_, key) => (key === "length" ? "7" : undefined) });

const plainHistogram = (name: string): RawFamily => histogram(name, histogramValues(name, { buckets: [["+Inf", 2]] }));
const plainSummary = (name: string): RawFamily => summary(name, summaryValues(name, { quantiles: [] }));
/** The series of `plainHistogram` and `plainSummary`. */
const plainSeries = ({ name, type }: RawFamily): Readonly<Record<string, number>> => ({
	...(type === "histogram" && { [`${name}_bucket{le="+Inf"}`]: 2 }),
	[`${name}_sum`]: 3,
	[`${name}_count`]: 2,
});
export const FAMILY_RULES: readonly Rule[] = [
	{
		row: 1,
		title: "a payload that is no array",
		modules: { m: { metrics: [] } },
		drops: { "m invalid_payload": 1 },
		failed: ["m"],
	},
	{
		row: 1,
		title: "a payload that cannot be read",
		modules: { m: lengthless },
		drops: { "m invalid_payload": 1 },
		failed: ["m"],
	},
	{
		row: 1,
		title: "a payload that is no array, after a good one, which stays",
		modules: [
			["m", around(gauge("x", value(1)))],
			["m", { metrics: [] }],
		],
		series: { ...GOOD, x: 1 },
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
	...["0a", "a-b", "", "a\nb", "a b", "é\u0000", "a{b}", LONE_SURROGATE, 7, null, ["x"]].map(
		(name): Rule => ({
			row: 6,
			title: `the metric name ${JSON.stringify(name)}`,
			modules: { m: around({ ...gauge("x", value(1)), name }) },
			series: GOOD,
			drops: { "m invalid_metric_name": 1 },
		}),
	),
	{
		row: 6,
		title: "a name that throws when it is read",
		modules: {
			m: around({
				...gauge("x", value(1)),
				get name() {
					return throws();
				},
			}),
		},
		series: GOOD,
		drops: { "m invalid_metric_name": 1 },
	},
	{
		row: 7,
		title: "a UTF-8 name is escaped where it cannot be quoted",
		modules: { m: around(counter("http.requests.total", value(3, { a: "1" })), plainHistogram("größe.bytes")) },
		series: {
			...GOOD,
			'http_requests_total{a="1"}': 3,
			'gr__e_bytes_bucket{le="+Inf"}': 2,
			gr__e_bytes_sum: 3,
			gr__e_bytes_count: 2,
		},
		utf8: {
			...GOOD,
			'http.requests.total{a="1"}': 3,
			'größe.bytes_bucket{le="+Inf"}': 2,
			"größe.bytes_sum": 3,
			"größe.bytes_count": 2,
		},
	},
	{
		row: 7,
		title: "a UTF-8 name, and then its escaped form in another module",
		modules: {
			m: around(gauge("http.requests", value(1))),
			n: [gauge("http_requests", value(2)), gauge("n", value(1))],
		},
		series: { ...GOOD, http_requests: 1, n: 1 },
		utf8: { ...GOOD, "http.requests": 1, n: 1 },
		drops: { "n name_collision_after_escaping": 1 },
	},
	{
		row: 7,
		title: "one UTF-8 name in two modules",
		modules: { m: around(gauge("a.b", value(1, { m: "m" }))), n: [gauge("a.b", value(2, { m: "n" }))] },
		series: { ...GOOD, 'a_b{m="m"}': 1, 'a_b{m="n"}': 2 },
		utf8: { ...GOOD, 'a.b{m="m"}': 1, 'a.b{m="n"}': 2 },
	},
	{
		row: 7,
		title: "a UTF-8 name whose samples are escaped to the name of another family",
		modules: { m: around(plainHistogram("a.b")), n: [gauge("a_b_count", value(1))] },
		series: { ...GOOD, 'a_b_bucket{le="+Inf"}': 2, a_b_sum: 3, a_b_count: 2 },
		utf8: { ...GOOD, 'a.b_bucket{le="+Inf"}': 2, "a.b_sum": 3, "a.b_count": 2 },
		drops: { "n name_collision_after_escaping": 1 },
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
		utf8: { ...GOOD, "a.b": 1, "a:b": 3 },
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
		"__name__",
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
		modules: {
			m: around(
				gauge("uploads", value(1)),
				gauge("mcp_mine", value(2)),
				gauge("job:rate5m", value(3)),
				gauge("up:x", value(4)),
			),
		},
		series: { ...GOOD, uploads: 1, mcp_mine: 2, "job:rate5m": 3, "up:x": 4 },
	},
	{
		row: 8,
		title: "names that begin with a letter that is shown as an underscore",
		modules: { m: around(gauge("élan", value(1)), gauge("éprocess_x", value(2))) },
		series: { ...GOOD, _lan: 1, _process_x: 2 },
		utf8: { ...GOOD, élan: 1, éprocess_x: 2 },
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
		utf8: { ...GOOD, nodejs_lag: 9, 'nodejs.own_lag{server_id="m"}': 2, 'nodejs.own_lag{server_id="n"}': 3 },
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
	{
		row: 10,
		title: "types by both words for what has none",
		modules: {
			m: around(
				{ ...gauge("x", value(-1)), type: "untyped" },
				{ ...gauge("y", value(Number.NaN, { a: "1" })), type: "unknown" },
			),
		},
		series: { ...GOOD, x: -1, 'y{a="1"}': Number.NaN },
		text: ["\n# TYPE x untyped\n", "\n# TYPE y untyped\n"],
		openmetricsText: ["\n# TYPE x unknown\n", "\n# TYPE y unknown\n"],
	},
	...["foo", undefined, "gauge\nx 1", 7, "histogram2", null, "Gauge", "info", "stateset", "gaugehistogram"].map(
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
		modules: {
			m: around(
				...[7, undefined, null, {}, ["a"]].map((help, index) => ({ ...gauge(`x${index}`, value(1)), help })),
				{ ...gauge("y", value(2)), help: 'a\nb\\n"c"' },
				{ ...gauge("z", value(3)), help: `a${LONE_SURROGATE}\r` },
			),
		},
		series: { ...GOOD, x0: 1, x1: 1, x2: 1, x3: 1, x4: 1, y: 2, z: 3 },
		warnings: ["m invalid_help", "m invalid_help", "m invalid_help", "m invalid_help", "m invalid_help"],
		text: ['# HELP y a\\nb\\\\n"c"\n', "\n# TYPE x0 gauge\n", "# HELP z a\ufffd\r\n"],
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
		row: 12,
		title: "a family that the host has with another type",
		modules: { m: around(counter("nodejs_lag", value(1))) },
		host: [{ ...gauge("nodejs_lag", value(9)), type: "gauge" }],
		series: { ...GOOD, nodejs_lag: 9 },
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
	...(
		[
			[plainHistogram("x"), ["x_count", "x_sum", "x_bucket", "x_created"]],
			[plainSummary("x"), ["x_count", "x_sum", "x_created"]],
		] as const
	).flatMap(([grouped, names]) =>
		names.flatMap((name): Rule[] => [
			{
				row: 38,
				title: `a ${grouped.type} and then the gauge ${name}`,
				modules: { m: around(grouped), n: [gauge(name, value(1))] },
				series: { ...GOOD, ...plainSeries(grouped) },
				drops: { "n suffix_collision": 1 },
			},
			{
				row: 38,
				title: `the gauge ${name} and then a ${grouped.type}`,
				modules: { n: around(gauge(name, value(1))), m: [grouped] },
				series: { ...GOOD, [name]: 1 },
				drops: { "m suffix_collision": 1 },
			},
			{
				row: 38,
				title: `a ${grouped.type} and the gauge ${name} in one module`,
				modules: { m: around(grouped, gauge(name, value(1))) },
				series: { ...GOOD, ...plainSeries(grouped) },
				drops: { "m suffix_collision": 1 },
			},
		]),
	),
	{
		row: 38,
		title: "a summary and the gauge x_bucket, which is no sample of it",
		modules: { m: around(plainSummary("x")), n: [gauge("x_bucket", value(1))] },
		series: { ...GOOD, x_sum: 3, x_count: 2, x_bucket: 1 },
	},
	...(
		[
			[counter("foo_total", value(1)), gauge("foo", value(2))],
			[counter("foo", value(1)), gauge("foo_created", value(2))],
			[counter("foo", value(1)), counter("foo_total", value(2))],
			[counter("foo_total", value(1)), histogram("foo", histogramValues("foo"))],
		] as const
	)
		.flatMap(([one, other]) => [
			[one, other],
			[other, one],
		])
		.flatMap(([first, second]): readonly Rule[] =>
			first === undefined || second === undefined ? [] : clashing(first, second),
		),
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
		title: "samples that are dropped take no room",
		modules: { m: [FIRST, gauge("x", value("no number", { a: 1 }), value(2, { a: 2 })), gauge("y", value(1))] },
		limits: { maxSeries: 3 },
		series: { good_first: 1, 'x{a="2"}': 2, y: 1 },
		drops: { "m invalid_value": 1 },
	},
	{
		row: 41,
		title: "a family with more than twice as many samples as there is room for is not looked at",
		modules: {
			m: [
				FIRST,
				gauge("x", value("no number", { a: 1 }), value("no number", { a: 2 }), value(3, { a: 3 })),
				gauge("y", value(1)),
			],
		},
		limits: { maxSeries: 2 },
		series: { good_first: 1 },
		drops: { "m series_limit": 4 },
	},
	{
		row: 41,
		title: "what a second registry repeats of a family takes no room",
		modules: {
			m: [
				FIRST,
				...Array.from({ length: 2 }, () => gauge("x", ...[1, 2, 3].map((each) => value(each, { a: each })))),
				gauge("y", value(1)),
			],
		},
		limits: { maxSeries: 5 },
		series: { good_first: 1, 'x{a="1"}': 1, 'x{a="2"}': 2, 'x{a="3"}': 3, y: 1 },
		drops: { "m duplicate_series": 3 },
	},
	{
		row: 41,
		title: "a family that just fits, and one without samples after it",
		modules: { m: [FIRST, gauge("x", value(1, { a: 1 }), value(2, { a: 2 })), gauge("y")] },
		limits: { maxSeries: 4 },
		series: { good_first: 1, 'x{a="1"}': 1, 'x{a="2"}': 2 },
	},
	{
		row: 41,
		title: "a histogram counts with all of its lines",
		modules: { m: [FIRST, histogram("h", histogramValues("h")), LAST] },
		limits: { maxSeries: 4 },
		series: { good_first: 1 },
		drops: { "m series_limit": 5 },
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

/** Row 39: two families that OpenMetrics cannot tell apart, in two modules and in one; the first stays. */
function clashing(first: RawFamily, second: RawFamily): readonly Rule[] {
	const title = `the ${first.type} ${first.name} and then the ${second.type} ${second.name}`;
	const rule = {
		row: 39,
		series: { ...GOOD, ...shownAs(first.name, first, "1") },
		openmetrics: { ...GOOD, ...shownAs(first.type === "counter" ? "foo_total" : first.name, first, "1.0") },
	};
	return [
		{ ...rule, title, modules: { m: around(first), n: [second] }, drops: { "n suffix_collision": 1 } },
		{
			...rule,
			title: `${title}, in one module`,
			modules: { m: around(first, second) },
			drops: { "m suffix_collision": 1 },
		},
	];
}

function shownAs(name: string, { type, values }: RawFamily, le: string): Readonly<Record<string, number>> {
	if (type === "histogram") {
		return {
			[`${name}_bucket{le="${le}"}`]: 1,
			[`${name}_bucket{le="+Inf"}`]: 2,
			[`${name}_sum`]: 3,
			[`${name}_count`]: 2,
		};
	}
	const [{ value: amount }] = values as readonly [{ readonly value: number }];
	return { [name]: amount };
}
