import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { freePort } from "../../src/stdio/free-port.ts";
import { type Alertmanager, startAlertmanager } from "../support/alertmanager.ts";
import { startHostProcess } from "../support/host-process.ts";
import { SHIPPED_PROMETHEUS, startPrometheus } from "../support/prometheus.ts";
import { until } from "../support/until.ts";

const GOOD = `import { Gauge } from "prom-client";
new Gauge({ name: "stock", help: "x" }).set(1);
export function process() {}\n`;
const BROKEN = GOOD.replace("process() {}", 'process() { throw new Error("no stock"); }');

test("a broken module and a host that is down wake the right people, and both are over when they are over", async (t) => {
	const folder = await mkdtemp(path.join(tmpdir(), "bulkhead-alerting-"));
	t.after(() => rm(folder, { recursive: true, force: true }));
	await mkdir(path.join(folder, "metrics"));
	const save = (source: string): Promise<void> => writeFile(path.join(folder, "metrics/stock.ts"), source);
	await save(GOOD);
	const port = await freePort();
	const env = { PORT: String(port), COLLECT_INTERVAL_MS: "500", MCPS_DIR: path.join(folder, "mcps") };
	const first = startHostProcess(t, folder, env);
	await first.ready();

	const alertmanager = await startAlertmanager(t);
	const config = (await readFile(path.join(SHIPPED_PROMETHEUS, "prometheus.yml"), "utf8"))
		.replace("127.0.0.1:8000", `127.0.0.1:${port}`)
		.replace("127.0.0.1:9093", alertmanager.address)
		.replaceAll(/(scrape_interval|scrape_timeout|evaluation_interval): \S+/g, "$1: 1s");
	const prometheus = await startPrometheus(t, config, (rules) =>
		rules.replaceAll(/for: \d+[mh]/g, "for: 1s").replaceAll(/interval: \d+s/g, "interval: 1s"),
	);
	await until(async () => (await prometheus.query("up == 1")).length === 1, "the host is scraped", 60_000);
	await until(
		async () => (await prometheus.query("mcp_collect_success == 1")).length === 1,
		"the module is collected",
		60_000,
	);

	await save(BROKEN);
	await toldOf(alertmanager, { alertname: "CollectionFailing", status: "firing", receiver: "slack" });
	await save(GOOD);
	await toldOf(alertmanager, { alertname: "CollectionFailing", status: "resolved", receiver: "slack" });

	first.child.kill("SIGTERM");
	await once(first.child, "exit");
	await toldOf(alertmanager, { alertname: "MCPServerDown", status: "firing", receiver: "pagerduty" });
	await startHostProcess(t, folder, env).ready();
	await toldOf(alertmanager, { alertname: "MCPServerDown", status: "resolved", receiver: "pagerduty" });
	const down = alertmanager.told.find(({ labels }) => labels["alertname"] === "MCPServerDown");
	assert.equal(down?.labels["severity"], "critical");
});

async function toldOf(
	{ told }: Alertmanager,
	wanted: { readonly alertname: string; readonly status: string; readonly receiver: string },
): Promise<void> {
	const { alertname, status, receiver } = wanted;
	await until(
		() => told.some((it) => it.labels["alertname"] === alertname && it.status === status && it.receiver === receiver),
		`${receiver} hears that ${alertname} is ${status}`,
		90_000,
	);
}
