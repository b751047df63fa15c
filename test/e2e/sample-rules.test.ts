/**
 * Every case of test/support/sample-rules with real modules in real workers, behind the sandbox: the page in each format,
 * promtool, and a real Prometheus in both formats that it takes. One host has the modules; each case has a registry of its
 * own, because a name stays its first owner's.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { cp } from "node:fs/promises";
import path from "node:path";
import { type TestContext, test } from "node:test";
import type { Host } from "../../src/host/host.ts";
import { createCollector } from "../../src/metrics/collector.ts";
import { checkRule, collectorFor } from "../support/check-sample-rule.ts";
import type { Collector } from "../support/metrics-aggregate.ts";
import { startModuleHost } from "../support/module-host.ts";
import { createModuleProject } from "../support/module-project.ts";
import { type ServedFormat, servePages } from "../support/page-server.ts";
import { startPrometheus, storedSeries } from "../support/prometheus.ts";
import { type Rule, stepsOf } from "../support/sample-rules/rule.ts";
import { RULES } from "../support/sample-rules/rules.ts";
import { until } from "../support/until.ts";

const MODULES = ["m", "n", "o"];

test("every case comes out of real workers as its rule says, for promtool and a real Prometheus too", async (t) => {
	const host = await startHost(t);
	const collectors: Collector[] = [];
	for (const rule of RULES) {
		const collector = collectorFor(rule);
		collectors.push(collector);
		await t.test(`row ${rule.row}: ${rule.title}`, async () => {
			await collect(host, rule, collector);
			await checkRule(rule, collector);
		});
	}

	await t.test("promtool takes every page", async () => {
		const pages = await Promise.all(collectors.map((collector) => collector.text()));
		const titles = new Map(pages.map((page, index) => [page, RULES[index]?.title]));
		const left = [...titles];
		const refused: unknown[] = [];
		const checkOnes = async (): Promise<void> => {
			for (let next = left.pop(); next !== undefined; next = left.pop()) {
				const [page, title] = next;
				if (!(await isTaken(page))) refused.push(title);
			}
		};
		await Promise.all(Array.from({ length: PROMTOOLS }, checkOnes));
		assert.deepEqual(refused, []);
	});

	await t.test("Prometheus stores of every page what the rule says, in either format", async () => {
		const target = await servePages(
			t,
			collectors.map(({ aggregate }) => aggregate),
		);
		const prometheus = await startPrometheus(t, configFor(target));
		await until(
			async () => (await prometheus.query("up == 1")).length === FORMATS.length * RULES.length,
			"every page has been scraped",
			60_000,
		);
		const stored = await storedSeries(prometheus, TARGET_LABELS);
		for (const [index, { title, series = {}, openmetrics = series }] of RULES.entries()) {
			for (const format of FORMATS) {
				const expected = new Map(Object.entries(format === "openmetrics" ? openmetrics : series));
				assert.deepEqual(stored.get(`${format} ${index}`) ?? new Map(), expected, `${format}: ${title}`);
			}
		}
		assert.deepEqual(await prometheus.query("min_over_time(up[5m]) == 0"), [], "no scrape has failed");
	});
});

const FORMATS = ["text", "openmetrics"] as const satisfies readonly ServedFormat[];
const TARGET_LABELS = ["rule_format", "rule_index"];
const PROMTOOLS = 4;

/** Each module shows, from one collection to the next, what the rules have for it. */
function sourceOf(moduleName: string): string {
	return `
		import { stepsOf } from "./_support/sample-rules/rule.ts";
		import { RULES } from "./_support/sample-rules/rules.ts";
		const steps = RULES.flatMap(stepsOf).filter(([id]) => id === "${moduleName}");
		let step = -1;
		export const registry = { getMetricsAsJSON: () => steps[step][1] };
		export function process() {
			step++;
		}
	`;
}

async function startHost(t: TestContext): Promise<Host> {
	const project = createModuleProject(t);
	const support = path.join(import.meta.dirname, "../support");
	for (const name of ["raw-families.ts", "sample-rules"]) {
		await cp(path.join(support, name), project.path(`metrics/_support/${name}`), { recursive: true });
	}
	for (const name of MODULES) project.write(`metrics/${name}.ts`, sourceOf(name));
	mkdirSync(project.folders.mcps);
	return startModuleHost(t, project);
}

/** Collects the modules of a rule in its order, as the host does. */
async function collect(host: Host, rule: Rule, { aggregate }: Collector): Promise<void> {
	const collector = createCollector({
		host: { collect: (id, timeoutMs) => host.collect(`metrics/${id}`, timeoutMs), setCollectFailed() {} },
		aggregate,
		intervalMs: DEADLINE_MS,
		timeoutMs: DEADLINE_MS,
		onCollected() {},
	});
	const serving = new Set<string>();
	for (const [id] of stepsOf(rule)) {
		// A module that begins to serve is collected at once; a scrape at that time waits for the same collection.
		if (serving.size < serving.add(id).size) collector.serving(id, { collects: true, onScrape: true });
		await collector.collectForScrape(undefined, [id]);
	}
	await collector.stop();
}

const DEADLINE_MS = 30_000;

/** 0 is clean, 3 is lint (a gauge named `x_total`); anything else is a page that Prometheus would refuse. */
async function isTaken(page: string): Promise<boolean> {
	const promtool = spawn("promtool", ["check", "metrics"], { stdio: ["pipe", "ignore", "ignore"] });
	promtool.stdin.end(page);
	const [status] = await once(promtool, "exit");
	return status === 0 || status === 3;
}

function configFor(target: string): string {
	const targets = RULES.flatMap((_, index) =>
		FORMATS.map(
			(format) =>
				`{targets: ["${target}"], labels: {__metrics_path__: "/${format}/${index}", rule_format: "${format}", rule_index: "${index}"}}`,
		),
	);
	return `global: {scrape_interval: 10s, scrape_timeout: 10s}\nscrape_configs: [{job_name: rules, static_configs: [${targets.join(", ")}]}]`;
}
