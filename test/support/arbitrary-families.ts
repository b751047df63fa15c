/** Generated snapshots: right ones, wrong ones, and right ones with something hostile in the middle. */
import * as fc from "fast-check";
import { hostile } from "./hostile-values.ts";

/** Few names, so that modules, suffixes, escaped forms and the host's own names meet often. */
const NAMES = [
	"a",
	"a_total",
	"a_count",
	"a_sum",
	"a_bucket",
	"a_created",
	"a.total",
	"a:total",
	"b",
	"b_seconds",
	"b_seconds_total",
	"é",
	"_",
	"0a",
	"a-b",
	"up",
	"process_x",
	"nodejs_x",
	"nodejs_host",
	"mcp_host",
	"constructor",
	"__proto__",
];
const LABELS = ["a", "b", "le", "quantile", "server_id", "A", "__name__", "a-b", "constructor", "__proto__"];

const mostly = <Value>(usual: fc.Arbitrary<Value>): fc.Arbitrary<unknown> =>
	fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: hostile });

const name = fc.constantFrom(...NAMES);
const labelValue = fc.oneof(
	fc.constantFrom("", "1", "1.0", "0.5", "+Inf", "x"),
	fc.string({ unit: "binary", maxLength: 8 }),
	fc.integer(),
);
const labels = mostly(
	fc
		.uniqueArray(fc.tuple(fc.constantFrom(...LABELS), mostly(labelValue)), {
			selector: ([label]) => label,
			maxLength: 4,
		})
		.map((entries) => Object.fromEntries(entries)),
);
const amount = fc.oneof(fc.nat({ max: 5 }), fc.double(), fc.integer());
const exemplar = fc.option(
	fc.record(
		{ labelSet: labels, value: mostly(amount), timestamp: mostly(fc.double({ min: 0, max: 2e9, noNaN: true })) },
		{ requiredKeys: [] },
	),
	{ freq: 6, nil: undefined },
);

function samplesOf(familyName: string): fc.Arbitrary<readonly unknown[]> {
	const metricName = fc.constantFrom(
		familyName,
		`${familyName}_bucket`,
		`${familyName}_sum`,
		`${familyName}_count`,
		"up",
	);
	const anySample = fc.record(
		{ labels, value: mostly(amount), metricName, exemplar, timestamp: fc.nat() },
		{ requiredKeys: ["labels", "value"] },
	);
	const sets = fc.record({
		labels: fc.record({ a: labelValue }, { requiredKeys: [] }),
		counts: fc.array(fc.nat({ max: 9 }), { maxLength: 4 }),
		sum: fc.double({ min: -10, max: 10 }),
		quantile: fc.double({ min: 0, max: 1, noNaN: true }),
	});
	/** Whole histograms and summaries, so that good ones come about at all. */
	const group = sets.map(({ labels: own, counts, sum, quantile }) => {
		let total = 0;
		const buckets = counts.map((count, index) => ({
			metricName: `${familyName}_bucket`,
			labels: { ...own, le: index - 1 },
			value: (total += count),
		}));
		return [
			...buckets,
			{ metricName: `${familyName}_bucket`, labels: { ...own, le: "+Inf" }, value: total },
			{ labels: { ...own, quantile }, value: sum },
			{ metricName: `${familyName}_sum`, labels: own, value: sum },
			{ metricName: `${familyName}_count`, labels: own, value: total },
		];
	});
	return fc
		.array(
			fc.oneof(
				anySample.map((sample) => [sample]),
				group,
				hostile.map((bad) => [bad]),
			),
			{ maxLength: 5 },
		)
		.map((groups) => groups.flat());
}

const family = name.chain((familyName) =>
	fc.record(
		{
			name: mostly(fc.constant(familyName)),
			help: mostly(fc.string({ unit: "binary", maxLength: 10 })),
			type: mostly(fc.constantFrom("counter", "gauge", "histogram", "summary", "untyped")),
			values: mostly(samplesOf(familyName)),
		},
		{ requiredKeys: ["name", "type", "values"] },
	),
);

/** To be passed through `withHostileValues` before use. */
export const families: fc.Arbitrary<unknown> = fc.oneof(
	{ weight: 30, arbitrary: fc.array(mostly(family), { maxLength: 6 }) as fc.Arbitrary<unknown> },
	{ weight: 1, arbitrary: hostile },
);

/** What the registries of one module give, each a list of families. */
export const lists: fc.Arbitrary<readonly unknown[]> = fc.array(families, { minLength: 1, maxLength: 3 });

export interface Collection {
	readonly moduleId: string;
	readonly generation: number;
	readonly lists: readonly unknown[];
	/** Milliseconds that pass before it. */
	readonly after: number;
}

/** Their lists are to be passed through `withHostileValues`. What a host may see in a while: several modules, restarts, silence. */
export const collections: fc.Arbitrary<readonly Collection[]> = fc.array(
	fc.record({
		moduleId: fc.constantFrom("metrics/m", "metrics/n", "mcps/o"),
		generation: fc.nat({ max: 2 }),
		lists,
		after: fc.constantFrom(0, 1000, 400_000),
	}),
	{ minLength: 1, maxLength: 5 },
);
