/** A real Alertmanager with the shipped routes, every receiver of which is a webhook of the test's own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";
import { parse, stringify } from "yaml";
import { freePort } from "../../src/stdio/free-port.ts";
import { until } from "./until.ts";

export interface Alertmanager {
	/** Where Prometheus sends its alerts: host and port. */
	readonly address: string;
	/** What the webhook was told, oldest first. */
	readonly told: readonly Notification[];
}

export interface Notification {
	readonly receiver: string;
	readonly status: "firing" | "resolved";
	readonly labels: Readonly<Record<string, string>>;
}

const SHIPPED = path.join(import.meta.dirname, "../../deploy/alertmanager/alertmanager.yml");

export async function startAlertmanager(t: TestContext): Promise<Alertmanager> {
	const told: Notification[] = [];
	const webhook = createServer((request, response) => {
		let body = "";
		request.setEncoding("utf8").on("data", (text: string) => {
			body += text;
		});
		request.on("end", () => {
			const { receiver, alerts } = JSON.parse(body) as { receiver: string; alerts: Omit<Notification, "receiver">[] };
			for (const { status, labels } of alerts) told.push({ receiver, status, labels });
			response.end();
		});
	});
	webhook.listen(0, "127.0.0.1");
	await once(webhook, "listening");
	t.after(() => webhook.close());
	const url = `http://127.0.0.1:${(webhook.address() as AddressInfo).port}`;

	const folder = await mkdtemp(path.join(tmpdir(), "bulkhead-alertmanager-"));
	t.after(() => rm(folder, { recursive: true, force: true }));
	const quick = (await readFile(SHIPPED, "utf8")).replaceAll(/(group_wait|group_interval): \S+/g, "$1: 1s");
	const config = parse(quick) as { receivers: { name: string }[] };
	const receivers = config.receivers.map(({ name }) => ({ name, webhook_configs: [{ url, send_resolved: true }] }));
	await writeFile(path.join(folder, "alertmanager.yml"), stringify({ ...config, receivers }));
	const port = await freePort();
	const address = `127.0.0.1:${port}`;
	const alertmanager = spawn(
		"prometheus-alertmanager",
		[
			`--config.file=${folder}/alertmanager.yml`,
			`--storage.path=${folder}/data`,
			`--web.listen-address=${address}`,
			"--cluster.listen-address=",
		],
		{ stdio: "ignore" },
	);
	t.after(async () => {
		if (alertmanager.exitCode !== null || !alertmanager.kill("SIGKILL")) return;
		await once(alertmanager, "exit");
	});
	await until(
		() =>
			fetch(`http://${address}/-/ready`).then(
				({ ok }) => ok,
				() => false,
			),
		"Alertmanager is ready (apt-get install prometheus-alertmanager)",
		30_000,
	);
	return { address, told };
}
