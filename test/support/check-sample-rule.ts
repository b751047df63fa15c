/** Whether the page and the reports say what a rule asks for, once its modules have been collected. */
import assert from "node:assert/strict";
import {
	type Collector,
	createCollector,
	hostSource,
	OPENMETRICS,
	OPENMETRICS_UTF8,
	TEXT_UTF8,
} from "./metrics-aggregate.ts";
import { seriesOf } from "./strict-exposition.ts";
import { type Rule, stepsOf } from "./sample-rules/rule.ts";

/** A registry of its own for each rule, since a name stays its first owner's. */
export function collectorFor({ limits, host }: Rule): Collector {
	return createCollector({
		limits: { maxSeries: 10_000, maxLabels: 30, maxLabelLength: 1024, ...limits },
		host: host === undefined ? [] : [hostSource(host)],
	});
}

export async function checkRule(rule: Rule, collector: Collector): Promise<void> {
	const { series = {}, openmetrics = series, utf8 = series } = rule;
	const shown = async (accept?: string): Promise<ReadonlyMap<string, number>> =>
		seriesOf(await collector.families(accept));
	assert.deepEqual(await shown(), new Map(Object.entries(series)), "the text page");
	assert.deepEqual(await shown(OPENMETRICS), new Map(Object.entries(openmetrics)), "OpenMetrics");
	assert.deepEqual(await shown(TEXT_UTF8), new Map(Object.entries(utf8)), "the text page with UTF-8 names");
	await shown(OPENMETRICS_UTF8);

	assert.deepEqual(new Map(collector.dropped), new Map(Object.entries(rule.drops ?? {})));
	const ids = [...new Set(stepsOf(rule).map(([moduleId]) => moduleId))];
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
}
