/** What a snapshot may hold and what becomes of it, by the rows of docs/metrics.md; test/e2e/sample-rules.test.ts has the same of real workers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DROP_REASONS, WARNING_REASONS } from "../../../src/metrics/drops/drop-log.ts";
import { checkRule, collectorFor } from "../../support/check-sample-rule.ts";
import { stepsOf } from "../../support/sample-rules/rule.ts";
import { RULES } from "../../support/sample-rules/rules.ts";

for (const rule of RULES) {
	test(`row ${rule.row}: ${rule.title}`, async () => {
		const collector = collectorFor(rule);
		for (const [moduleId, families] of stepsOf(rule)) await collector.collect(moduleId, families);
		await checkRule(rule, collector);
	});
}

test("every drop reason and every warning is in a rule, or is one that a snapshot alone cannot cause", () => {
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

test("every row has a case, but those that no single snapshot can show", () => {
	const rows = new Set(RULES.map(({ row }) => row));
	const missing = Array.from({ length: 46 }, (_, index) => index + 1).filter((row) => !rows.has(row));
	assert.deepEqual(missing, [2, 3, 5], "these are in test/e2e/samples.test.ts");
});
