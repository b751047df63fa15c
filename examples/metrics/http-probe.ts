// Whether pages answer, how fast, and with what status.
//   plugins.yaml: metrics/http-probe: { env: { PROBE_URLS: "https://example.org/,http://127.0.0.1:8000/livez" } }

import { Gauge } from "prom-client";
import type { ModuleContext } from "../../workers/contract.ts";

const TIMEOUT_MS = 5000;

const up = new Gauge({ name: "http_probe_up", help: "Whether the page answered with 2xx or 3xx", labelNames: ["url"] });
const status = new Gauge({ name: "http_probe_status_code", help: "Its status, 0 for none", labelNames: ["url"] });
const duration = new Gauge({
	name: "http_probe_duration_seconds",
	help: "Time to the whole body",
	labelNames: ["url"],
});

let urls: readonly string[] = [];

export function start({ env }: ModuleContext): void {
	urls = (env["PROBE_URLS"] ?? "").split(",").flatMap((url) => url.trim() || []);
	if (urls.length === 0) throw new Error("PROBE_URLS is empty: name the pages to ask, separated by commas");
}

export async function process(): Promise<void> {
	await Promise.all(urls.map(probe));
}

async function probe(url: string): Promise<void> {
	const startedAt = performance.now();
	let code = 0;
	try {
		const response = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) });
		await response.arrayBuffer();
		code = response.status;
	} catch {
		// That it cannot be reached is what the metric says.
	}
	status.set({ url }, code);
	up.set({ url }, code >= 200 && code < 400 ? 1 : 0);
	duration.set({ url }, (performance.now() - startedAt) / 1000);
}
