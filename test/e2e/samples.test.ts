/**
 * Every row of docs/metrics.md with real modules in real workers of one host: the page, /api/modules, promtool, a real
 * Prometheus. The many cases that a row has are in sample-rules.test.ts.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { OPENMETRICS, OPENMETRICS_UTF8, TEXT_UTF8 } from "../support/metrics-aggregate.ts";
import { startPrometheus, storedSeries } from "../support/prometheus.ts";
import { parseStrictly, seriesOf } from "../support/strict-exposition.ts";
import { sampleOf, startTestServer, type TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

interface Row {
	/** Series on the page because of this row; every other one is missing, or the host's. */
	readonly series?: Readonly<Record<string, number>>;
	/** Drops and warnings in /api/modules: `module reason family`. */
	readonly drops?: readonly string[];
	readonly warnings?: readonly string[];
}

const group = (name: string, labels: string, bound = ""): Record<string, number> => {
	const [braced, more] = labels === "" ? ["", ""] : [`{${labels}}`, `,${labels}`];
	return {
		...(bound === "" ? {} : { [`${name}_bucket{le="${bound}"${more}}`]: 1 }),
		[`${name}_bucket{le="+Inf"${more}}`]: 2,
		[`${name}_sum${braced}`]: 3,
		[`${name}_count${braced}`]: 2,
	};
};
const okHistogram = (name: string): Record<string, number> => group(name, 's="ok"', "0.5");
const okSummary = (name: string): Record<string, number> => ({
	[`${name}{quantile="0.5",s="ok"}`]: 1,
	[`${name}_sum{s="ok"}`]: 3,
	[`${name}_count{s="ok"}`]: 2,
});
const OTHER = JSON.stringify("\r\t\u0000\u2028");

/** By the number of the row. */
const ROWS: Readonly<Record<number, Row>> = {
	1: {
		series: { 'r1{a="1"}': 1, r1_before: 1 },
		drops: [
			"payload invalid_payload ",
			"payload invalid_payload r1_values_that_are_none",
			"payload invalid_payload r1",
			"no_array invalid_payload ",
			"becomes_no_array invalid_payload ",
		],
	},
	2: {
		series: { r2: 1, r2_process: 1, r2_rejects: 1 },
		drops: [
			...["throws", "throws_in_process", "rejects"].map((name) => `${name} collect_error `),
			"throws_in_a_callback collect_error r2_callback", // which costs that metric alone
		],
	},
	3: {
		series: { r3: 1, r3_late: 1, r3_late_before: 1, r3_replaced: 2 },
		drops: ["hangs collect_timeout ", "late collect_timeout ", "replaced collect_timeout "],
	},
	4: { series: { 'r4{a="ok"}': 3 }, drops: ["payload invalid_payload r4"] },
	5: {
		series: { r5: 1, r5_bytes: 1, r5_before: 1 },
		drops: ["too_large", "too_many_bytes", "nothing_fits"].map((name) => `${name} payload_too_large `),
	},
	6: { drops: ["0a", "a-b", "", "r6\nevil 1", "r6 x"].map((name) => `names invalid_metric_name ${name}`) },
	7: {
		series: { 'r7_requests_total{a="1"}': 3, r7_taken: 1 },
		drops: ["later name_collision_after_escaping r7.taken"],
	},
	8: {
		drops: ["process_r8_bytes", "scrape_r8_seconds", "scrape.r8_seconds", "up", "_r8", "mcp_servers"].map(
			(name) => `reserved reserved_name ${name}`,
		),
	},
	9: {
		series: {
			r9: 1,
			'nodejs_r9_seconds{server_id="metrics/names"}': 1,
			'nodejs_r9_seconds{server_id="metrics/later"}': 2,
			'nodejs_r9_seen{server_id="metrics/names"}': 3,
		},
	},
	10: { drops: [0, 1, 2, 3].map((index) => `types invalid_type r10_${index}`) },
	11: { series: { r11_none: 1, r11_escaped: 2 }, warnings: ["types invalid_help r11_none"] },
	12: { series: { r12: 1 }, drops: ["later type_conflict r12"] },
	13: {
		series: { r13: 1, 'r13{a="1"}': 2, r13_two: 1, 'r13_two{a="1"}': 2 },
		warnings: ["later help_conflict r13", "types help_conflict r13_two"],
	},
	14: { series: { 'r14_total{m="owner"}': 1, 'r14_total{m="later"}': 2 } },
	15: { series: { 'r15{a="1",b="2"}': 1 }, drops: ["labels duplicate_series r15"] },
	16: {
		series: {
			'r16{a="1"}': 1,
			'r16{a="2"}': 3,
			...group("r16_grouped", 'quantile="0.5"'),
			...group("r16_grouped", ""),
		},
		drops: ["later duplicate_series r16"],
		warnings: ["owner reserved_label r16_grouped"],
	},
	17: { series: { r17: 1, ...okHistogram("r17_totals") }, drops: ["labels duplicate_series r17"] },
	18: { series: { 'r18{a="x|",b="y"}': 1, 'r18{a="x",b="|y"}': 2, 'r18{a="1,b:2"}': 3 } },
	19: { series: { 'r19{ok="v"}': 2 }, drops: ["labels invalid_label_name r19"] },
	20: { series: { r20: 2 }, drops: ["labels reserved_label r20"] },
	21: { series: { r21: 2 }, drops: ["labels reserved_label r21"] },
	22: {
		series: { 'r22{a="7"}': 3, 'r22{a="true"}': 4, ...okHistogram("r22_bounds"), ...okSummary("r22_quantiles") },
		drops: [
			"labels invalid_label_value r22",
			"histograms invalid_label_value r22_bounds",
			"summaries invalid_label_value r22_quantiles",
		],
	},
	23: { series: { 'r23{a="\\n\\"\\\\"}': 1, [`r23{a=${OTHER}}`]: 2, 'r23{a="\\\\n"}': 3 } },
	24: { series: { 'r24{a="\ufffd"}': 3 }, drops: ["labels invalid_label_value r24"] },
	25: { series: { r25: 1 }, drops: ["values invalid_value r25"] },
	26: { series: { 'r26{v="1"}': Number.NaN, 'r26{v="2"}': Infinity, 'r26{v="3"}': -Infinity } },
	27: { series: { 'r27_total{v="3"}': 0 }, drops: ["values counter_invalid_value r27_total"] },
	28: { series: { r28_total: 4 }, warnings: ["values counter_reset r28_total"] },
	29: { series: okHistogram("r29"), drops: ["histograms histogram_invalid r29"] },
	30: { series: okHistogram("r30"), drops: ["histograms histogram_invalid r30"] },
	31: { series: okHistogram("r31"), drops: ["histograms histogram_invalid r31"] },
	32: {
		series: {
			...okHistogram("r32_text"),
			...okHistogram("r32_twice"),
			'r32_unordered_bucket{le="0.5"}': 1,
			'r32_unordered_bucket{le="+Inf"}': 2,
			r32_unordered_sum: 3,
			r32_unordered_count: 2,
		},
		drops: ["histograms histogram_invalid r32_text", "histograms histogram_invalid r32_twice"],
	},
	33: {
		series: { ...okHistogram("r33_negative"), ...okHistogram("r33_fraction"), ...okHistogram("r33_sum") },
		drops: ["r33_negative", "r33_fraction", "r33_sum"].map((name) => `histograms histogram_invalid ${name}`),
	},
	34: {
		series: {
			...group("r34", 's="1"', "0.5"),
			...group("r34", 's="2"'),
			...group("r34_shared", 'of="owner"', "0.5"),
			...group("r34_shared", 'of="later"'),
		},
		warnings: ["histograms bucket_layout_mismatch r34", "later bucket_layout_mismatch r34_shared"],
	},
	35: {
		series: Object.assign({}, ...["text", "above", "missing", "count"].map((how) => okSummary(`r35_${how}`))),
		drops: ["text", "above", "missing", "count"].map((how) => `summaries summary_invalid r35_${how}`),
	},
	36: { series: { 'r36{le="1"}': 1, 'r36{quantile="bla"}': 2 }, warnings: ["labels reserved_label r36"] },
	37: { series: { r37: 1 }, drops: ["values foreign_sample_name r37"] },
	38: {
		series: { 'r38_bucket{le="0.5"}': 1, 'r38_bucket{le="+Inf"}': 2, r38_sum: 3, r38_count: 2 },
		drops: ["later suffix_collision r38_count"],
	},
	39: { series: { r39_total: 1 }, drops: ["later suffix_collision r39"] },
	40: { series: { r40_total: 1, r40_plain: 2, r40_info: 3 } },
	41: {
		series: { r41: 1, r41_before: 1 },
		drops: [
			...["r41_large", "r41_after", "last_many_series"].map((name) => `many_series series_limit ${name}`),
			...["r41_growing", "last_growing"].map((name) => `growing series_limit ${name}`),
		],
	},
	42: {
		series: { 'r42{a="v"}': 6 },
		drops: [
			"labels label_limit r42",
			"labels label_too_long r42",
			`labels label_too_long ${`r42_${"n".repeat(200)}`.slice(0, 200)}`,
		],
	},
	43: { series: { r43: 7 }, warnings: ["values timestamp_ignored r43"] },
	44: {
		series: { 'r44_total{v="ok"}': 1, 'r44_total{v="long"}': 3, 'r44_total{v="text"}': 4 },
		drops: ["values exemplar_invalid r44_total"],
	},
	45: {},
	46: {
		series: { 'constructor{constructor="1",hasOwnProperty="2"}': 1, r46: 2 },
		drops: ["types reserved_label r46", "types reserved_name __proto__"],
	},
};
/** Of these, families after the one that is too large are gone as well. */
const CUT_SHORT = ["too_large", "too_many_bytes", "many_series", "growing"];
/** What these show is not between two good families. */
const BARE = ["no_array", "becomes_no_array", "nothing_fits", "empty", "throws_in_a_callback", "replaced"];
/** These fail at times: a module that does not answer is started again, and answers once. */
const CHANGING = ["hangs", "late"];
/** How the last collection of these went; all others succeed. */
const FAILING: Readonly<Record<string, string>> = {
	no_array: "invalid_payload",
	becomes_no_array: "invalid_payload",
	throws: "collect_error",
	throws_in_process: "collect_error",
	rejects: "collect_error",
	throws_in_a_callback: "collect_error",
	nothing_fits: "payload_too_large",
};
const ONCE = { intervalMs: 600_000 };
const HURRIED = { timeoutMs: 2000 };
const OPTIONS: Readonly<Record<string, { readonly intervalMs?: number; readonly timeoutMs?: number }>> = {
	// Of these, one large snapshot is enough.
	too_large: ONCE,
	too_many_bytes: ONCE,
	many_series: ONCE,
	hangs: { timeoutMs: 6000 }, // in which its good collection must end, while every other module starts
	late: HURRIED,
};
const FIRST_WAVE = [
	"payload",
	"no_array",
	"becomes_no_array",
	"names",
	"reserved",
	"types",
	"owner",
	"labels",
	"values",
	"histograms",
	"summaries",
	"throws",
	"throws_in_process",
	"rejects",
	"throws_in_a_callback",
	"hangs",
	"late",
	"replaced",
	"too_large",
	"too_many_bytes",
	"nothing_fits",
	"many_series",
	"growing",
	"empty",
];
const GOOD = Object.fromEntries(
	[...FIRST_WAVE, "later"]
		.filter((name) => !BARE.includes(name))
		.flatMap((name) => [
			[`first_${name}`, 1],
			...(CUT_SHORT.includes(name) ? [] : [[`last_${name}{a="b"}`, 1] as const]),
		]),
);

test("every row has an expectation", () => {
	assert.deepEqual(
		Object.keys(ROWS).map(Number),
		Array.from({ length: 46 }, (_, index) => index + 1),
	);
});

test("of what real modules send, all that is good is on the page and in a real Prometheus, and nothing that is bad", async (t) => {
	const server = await startTestServer(t, {
		fixtures: ["metrics/_sample-rows.ts"],
		files: Object.fromEntries(FIRST_WAVE.map((name) => [`metrics/${name}.ts`, sourceOf(name)])),
		// Only what the rows are about may fail, however busy the machine is.
		env: {
			COLLECT_INTERVAL_MS: "1000",
			COLLECT_TIMEOUT_MS: "60000",
			HANG_TIMEOUT_MS: "60000",
			MODULE_START_TIMEOUT_MS: "60000",
			MODULE_MEMORY_MB: "512",
		},
	});
	await collected(server, FIRST_WAVE);
	await server.save("metrics/later.ts", sourceOf("later"));
	await collected(server, ["later"]);
	await until(() => server.logged.includes("row 3: answers too late"), "a generation is at work on a late answer");
	await server.save("metrics/replaced.ts", replacedBy(2));
	const rows = Object.values(ROWS);
	const drops = rows.flatMap((row) => row.drops ?? []).toSorted();
	const warnings = rows.flatMap((row) => row.warnings ?? []).toSorted();
	await until(
		async () => {
			const notes = await notesOf(server);
			const page = await server.metrics();
			return (
				drops.every((note) => notes.drops.includes(note)) &&
				notes.warnings.includes("values counter_reset r28_total") &&
				sampleOf(page, "r3_late_before") === 1 &&
				sampleOf(page, "r3_replaced") === 2 &&
				["graceful", "killed"].some(
					(status) => sampleOf(page, `mcp_server_stops_total{server_id="metrics/replaced",status="${status}"}`) === 1,
				)
			);
		},
		"the modules that change from one collection to the next have changed",
		60_000,
	);

	const notes = await notesOf(server);
	assert.deepEqual(notes.drops, drops);
	assert.deepEqual(notes.warnings, warnings);
	const page = await server.metrics();
	for (const name of FIRST_WAVE.filter((any) => !CHANGING.includes(any))) {
		const success = sampleOf(page, `mcp_collect_success{server_id="metrics/${name}"}`);
		const { collection } = await server.module(`metrics/${name}`);
		assert.deepEqual([success, collection?.error?.code], name in FAILING ? [0, FAILING[name]] : [1, undefined], name);
	}
	for (const note of drops) {
		const [module, reason] = note.split(" ");
		const count = sampleOf(page, `mcp_collect_dropped_total{server_id="metrics/${module}",reason="${reason}"}`);
		assert.ok(count !== undefined && count > 0, note);
	}

	assert.deepEqual(server.logged.filter((line) => /^metrics\/(?:throws|rejects|nothing_fits):/.test(line)).toSorted(), [
		"metrics/nothing_fits: nothing was collected: the first metric family alone passes 250000 samples or 16777216 bytes",
		"metrics/rejects: nothing was collected: metrics/_sample-rows.ts:212:22 row 2: rejected by process()",
		"metrics/throws: nothing was collected: metrics/_sample-rows.ts:166:22 row 2: thrown in the registry",
	]);
	assert.ok(server.logged.some((line) => /^metrics\/late: is collected again; \d+ collections? ha/.test(line)));
	const expected = new Map(
		[GOOD, ...rows.map(({ series = {} }) => series)].flatMap((series) => Object.entries(series)),
	);
	assert.deepEqual(modulesOf(seriesOf(parseStrictly(page, "text"))), sorted(expected));
	const response = await fetch(`${server.url}/metrics`, { headers: { accept: OPENMETRICS } });
	const openmetrics = await response.text();
	const inOpenmetrics = new Map(
		[...expected].map(([series, value]) => [series === "r40_plain" ? "r40_plain_total" : series, value]),
	);
	assert.deepEqual(modulesOf(seriesOf(parseStrictly(openmetrics, "openmetrics"))), sorted(inOpenmetrics));
	assert.ok(openmetrics.includes('r44_total{v="ok"} 1 # {trace_id="a"} 0.5 1.25\n'));
	for (const text of [page, openmetrics]) {
		assert.doesNotMatch(text, /^evil/m);
		for (const line of ["# HELP r11_escaped a\\nb\\\\n", "# HELP r13 A gauge.\n", "# HELP r13_two A gauge.\n"]) {
			assert.ok(text.includes(line), line);
		}
	}
	for (const [syntax, accept, counterName] of [
		["text", TEXT_UTF8, "r7.requests.total"],
		// Where a counter's samples end in `_total`, and a dot is no underscore.
		["openmetrics", OPENMETRICS_UTF8, "r7.requests.total_total"],
	] as const) {
		const utf8 = await fetch(`${server.url}/metrics`, { headers: { accept } });
		const shown = new Map(syntax === "text" ? expected : inOpenmetrics);
		for (const [escaped, quoted] of [
			['r7_requests_total{a="1"}', `${counterName}{a="1"}`],
			['nodejs_r9_seen{server_id="metrics/names"}', 'nodejs.r9_seen{server_id="metrics/names"}'],
		] as const) {
			shown.set(quoted, shown.get(escaped) ?? Number.NaN);
			shown.delete(escaped);
		}
		assert.deepEqual(modulesOf(seriesOf(parseStrictly(await utf8.text(), syntax))), sorted(shown));
	}

	const checked = spawnSync("promtool", ["check", "metrics"], { input: page, encoding: "utf8" });
	assert.deepEqual(lintedFamilies(checked.stderr), LINTED, checked.stderr);

	const prometheus = await startPrometheus(
		t,
		`global: {scrape_interval: 5s, scrape_timeout: 5s}\nscrape_configs: [{job_name: rows, static_configs: [{targets: ["${new URL(server.url).host}"]}]}]`,
	);
	await until(
		async () => (await prometheus.query("count_over_time(up[5m]) >= 3")).length === 1,
		"it has been scraped three times",
		60_000,
	);
	const stored = (await storedSeries(prometheus, ["job"])).get("rows") ?? new Map();
	assert.deepEqual(modulesOf(stored), sorted(inOpenmetrics));
	assert.deepEqual(await prometheus.query("min_over_time(up[5m]) == 0"), [], "no scrape has failed");
	assert.deepEqual(await prometheus.query("max_over_time(r3_late[5m]) > 1"), [], "no late answer has been shown");
	assert.deepEqual(await prometheus.query("min_over_time(r3_replaced[5m]) < 1"), [], "nor one of a generation before");
});

function sourceOf(name: string): string {
	if (name === "throws_in_a_callback") return THROWS_IN_A_CALLBACK;
	if (name === "replaced") return replacedBy(1);
	return `
		import { MODULES, PROCESSES } from "./_sample-rows.ts";
		let run = 0;
		export const options = ${JSON.stringify(OPTIONS[name] ?? {})};
		export const registry = { getMetricsAsJSON: () => MODULES.${name}(run) };
		export function process() {
			run++;
			return PROCESSES.${name}?.(run);
		}
	`;
}

/** Row 2, in the client library's own way to collect. */
const THROWS_IN_A_CALLBACK = `
	import { Gauge } from "prom-client";
	let run = 0;
	new Gauge({
		name: "r2_callback",
		help: "A gauge.",
		collect() {
			if (run > 1) throw new Error("row 2: thrown in collect()");
			this.set(1);
		},
	});
	export function process() {
		run++;
	}
`;

/** Row 3: the version 1 is at work on its second answer when the deadline passes and version 2 takes its place. */
function replacedBy(version: 1 | 2): string {
	return `
		let run = 0;
		let log;
		export const options = ${version === 1 ? JSON.stringify(HURRIED) : JSON.stringify(ONCE)};
		export const start = (context) => void ({ log } = context);
		export const registry = {
			async getMetricsAsJSON() {
				const isLate = ${version} === 1 && run > 1;
				if (isLate) {
					log.info("row 3: answers too late");
					await new Promise((resolve) => setTimeout(resolve, 4000));
				}
				return [{ name: "r3_replaced", help: "A gauge.", type: "gauge", values: [{ value: isLate ? -1 : ${version}, labels: {} }] }];
			},
		};
		export function process() {
			run++;
		}
	`;
}

function collected(server: TestServer, names: readonly string[]): Promise<void> {
	return until(
		async () =>
			(await Promise.all(names.map((name) => server.module(`metrics/${name}`)))).every(
				({ collection }) => collection !== null && collection !== undefined,
			),
		`${names.join()} are collected`,
		60_000,
	);
}

async function notesOf(server: TestServer): Promise<{ drops: readonly string[]; warnings: readonly string[] }> {
	const views = await Promise.all(
		[...FIRST_WAVE, "later"].map(async (name) => ({ name, view: await server.module(`metrics/${name}`) })),
	);
	const notes = (kind: "drops" | "warnings"): readonly string[] =>
		views
			.flatMap(({ name, view }) =>
				(view.collection?.[kind] ?? []).map(({ reason, family }) => `${name} ${reason} ${family}`),
			)
			.toSorted();
	return { drops: notes("drops"), warnings: notes("warnings") };
}

const HOSTS_OWN = /^(?:mcp_|bulkhead_|process_|nodejs_(?!r9))/;

function modulesOf(series: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
	return sorted(new Map([...series].filter(([key]) => !HOSTS_OWN.test(key))));
}

function sorted(series: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
	return new Map([...series].toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** Families that are kept although a style guide would have them otherwise; promtool has nothing to say about any other. */
const LINTED = ["constructor", "r11_none", "r16_grouped", "r36", "r40_plain", "r40_total"];

function lintedFamilies(report: string): readonly string[] {
	return [...new Set([...report.matchAll(/^(\S+) /gm)].map(([, name = ""]) => name))].toSorted();
}
