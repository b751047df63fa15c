/** The rules that ship, as promtool and as whoever is woken up by them sees them. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { parse } from "yaml";

const ROOT = path.join(import.meta.dirname, "../..");
const PROMETHEUS = path.join(ROOT, "deploy/prometheus");

interface AlertRule {
	readonly alert: string;
	readonly expr: string;
	readonly for: string;
	readonly labels: Readonly<Record<string, string>>;
	readonly annotations: Readonly<Record<string, string>>;
}

const rules = (load("rules/alerts.yml") as { groups: { rules: AlertRule[] }[] }).groups.flatMap((group) => group.rules);

test("promtool takes the configuration and the rules, and every rule says what its tests expect", () => {
	const checks = [
		["check", "config", "prometheus.yml"],
		["check", "rules", ...list("rules")],
		["test", "rules", ...list("tests")],
	];
	for (const args of checks) {
		const { status, stdout, stderr } = spawnSync("promtool", args, { cwd: PROMETHEUS, encoding: "utf8" });
		assert.equal(status, 0, `promtool ${args.join(" ")} (apt-get install prometheus)\n${stdout}${stderr}`);
	}
});

test("amtool takes the example of an Alertmanager", () => {
	const file = path.join(ROOT, "deploy/alertmanager/alertmanager.yml");
	const { status, stdout, stderr } = spawnSync("amtool", ["check-config", file], { encoding: "utf8" });
	assert.equal(status, 0, `amtool (apt-get install prometheus-alertmanager)\n${stdout}${stderr}`);
});

test("every alert has a severity, a duration, texts, a runbook, and a test both ways", () => {
	interface AlertTests {
		readonly tests: readonly { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[];
	}
	const tests = (load("tests/alerts.test.yml") as AlertTests).tests.flatMap((each) => each.alert_rule_test);
	for (const { alert, labels, annotations, for: duration } of rules) {
		assert.ok(["critical", "warning", "info"].includes(labels["severity"] ?? ""), alert);
		assert.match(duration, /^\d+[mh]$/, alert);
		for (const text of ["summary", "description"]) assert.ok(annotations[text], `${alert}: ${text}`);
		assert.equal(annotations["runbook_url"], `docs/runbooks/${alert}.md`);
		const runbook = readFileSync(path.join(ROOT, annotations["runbook_url"]), "utf8");
		assert.match(runbook, new RegExp(`^# ${alert}\n[^]*## What it means\n[^]*## Where to look\n[^]*## What to do\n`));
		const expectations = tests
			.filter((each) => each.alertname === alert)
			.map((each) => (each.exp_alerts.length > 0 ? "fires" : "is silent"));
		assert.deepEqual(
			expectations.toSorted(),
			["fires", "is silent"],
			`${alert} has a test in which it fires and one in which it does not`,
		);
	}
	assert.deepEqual(
		readdirSync(path.join(ROOT, "docs/runbooks")).toSorted(),
		rules.map(({ alert }) => `${alert}.md`).toSorted(),
	);
});

test("the conditions of the reference systems are theirs, number for number", () => {
	const conditions = Object.fromEntries(
		rules.map(({ alert, expr, ...rule }) => [alert, [expr, rule.for, rule.labels["severity"]]]),
	);
	const share = "100 * sum(rate(mcp_request_errors_total[5m])) / sum(rate(mcp_requests_total[5m]))";
	const expected = {
		MCPServerDown: ['up{job="bulkhead"} == 0', "5m", "critical"],
		HighToolErrorRate: ["rate(mcp_tool_errors_total[5m]) > 0.1", "10m", "warning"],
		HighLatency: ["histogram_quantile(0.95, rate(mcp_tool_duration_seconds_bucket[5m])) > 5", "10m", "warning"],
		TooManyActiveRequests: ["sum(mcp_active_requests) > 50", "5m", "warning"],
		HighErrorRate: [`${share} > 5`, "2m", "warning"],
		CriticalErrorRate: [`${share} > 15`, "1m", "critical"],
		HighRequestLatency: [
			"histogram_quantile(0.95, sum by (le) (rate(mcp_request_duration_seconds_bucket[5m]))) > 5",
			"3m",
			"warning",
		],
		HighAgentFailureRate: [
			'100 * sum(rate(mcp_server_restarts_total{reason!~"reload|manual|policy"}[5m])) / sum(rate(mcp_server_starts_total[5m])) > 20',
			"2m",
			"warning",
		],
		HighTaskQueueDepth: ["sum(mcp_tasks_pending) > 50", "5m", "warning"],
		HighMemoryUsage: ["100 * mcp_system_memory_usage_ratio > 85", "3m", "warning"],
		HighCPUUsage: ["100 * mcp_system_cpu_usage_ratio > 85", "5m", "warning"],
		PossibleBruteForceAttack: ['sum(rate(mcp_auth_attempts_total{status="failure"}[1m])) > 10', "0m", "critical"],
	};
	for (const [alert, condition] of Object.entries(expected)) assert.deepEqual(conditions[alert], condition, alert);
});

function list(folder: string): readonly string[] {
	return readdirSync(path.join(PROMETHEUS, folder)).map((file) => `${folder}/${file}`);
}

function load(file: string): unknown {
	return parse(readFileSync(path.join(PROMETHEUS, file), "utf8"));
}
