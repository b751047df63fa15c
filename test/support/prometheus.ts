/** A real Prometheus, with storage of its own, for as long as a test runs. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";
import { freePort } from "../../src/stdio/free-port.ts";
import { seriesKey } from "./strict-exposition.ts";
import { until } from "./until.ts";

export interface Prometheus {
	/** The result of an instant query; of what the last five minutes brought. */
	query(expression: string): Promise<readonly PrometheusSample[]>;
}

export interface PrometheusSample {
	readonly metric: Readonly<Record<string, string>>;
	readonly value: readonly [at: number, value: string];
}

/** The folder that ships: configuration, rules, and an example of a token. */
export const SHIPPED_PROMETHEUS = path.join(import.meta.dirname, "../../deploy/prometheus");

/**
 * Starts it and resolves when it answers.
 *
 * @param config the whole of prometheus.yml; paths in it are those of the shipped folder
 * @param rewrite changes a rule file before it is read
 */
export async function startPrometheus(
	t: TestContext,
	config: string,
	rewrite: (rules: string) => string = (rules) => rules,
): Promise<Prometheus> {
	const folder = await mkdtemp(path.join(tmpdir(), "bulkhead-prometheus-"));
	t.after(() => rm(folder, { recursive: true, force: true }));
	await cp(SHIPPED_PROMETHEUS, folder, { recursive: true });
	for (const file of await readdir(path.join(folder, "rules"))) {
		const rules = path.join(folder, "rules", file);
		await writeFile(rules, rewrite(await readFile(rules, "utf8")));
	}
	await writeFile(path.join(folder, "prometheus.yml"), config);
	const port = await freePort();
	const prometheus = spawn(
		"prometheus",
		[
			`--config.file=${folder}/prometheus.yml`,
			`--storage.tsdb.path=${folder}/data`,
			`--web.listen-address=127.0.0.1:${port}`,
		],
		{ stdio: "ignore" },
	);
	t.after(async () => {
		if (prometheus.exitCode !== null || !prometheus.kill("SIGKILL")) return;
		await once(prometheus, "exit");
	});
	await until(
		() =>
			fetch(`http://127.0.0.1:${port}/-/ready`).then(
				({ ok }) => ok,
				() => false,
			),
		"Prometheus is ready (apt-get install prometheus)",
		30_000,
	);

	return {
		async query(expression) {
			const response = await fetch(`http://127.0.0.1:${port}/api/v1/query`, {
				method: "POST",
				body: new URLSearchParams({ query: expression }),
			});
			const { data } = (await response.json()) as { data: { result: readonly PrometheusSample[] } };
			return data.result;
		},
	};
}

/**
 * What it holds of its targets beside what it says of them itself.
 * @param targetLabels the labels that tell targets apart; every other label that the configuration gives must be among them
 * @returns by the values of these labels, put together with spaces: series as `seriesKey` writes them, with their values
 */
export async function storedSeries(
	prometheus: Prometheus,
	targetLabels: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, number>>> {
	const targets = new Map<string, Map<string, number>>();
	for (const { metric, value } of await prometheus.query('{job!="", __name__!~"up|scrape_.*"}')) {
		const labels = new Map(Object.entries(metric));
		const target = targetLabels.map((label) => labels.get(label) ?? "").join(" ");
		for (const label of [...targetLabels, "__name__", "instance", "job"]) labels.delete(label);
		let series = targets.get(target);
		if (series === undefined) targets.set(target, (series = new Map()));
		series.set(seriesKey({ name: metric["__name__"] ?? "", labels }), Number(value[1].replace("Inf", "Infinity")));
	}
	return targets;
}
