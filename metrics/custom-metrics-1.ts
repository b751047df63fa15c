// The smallest metric module: a gauge of prom-client, and `process()`, which the host calls on a schedule.
// Save the file and the new version takes over; nothing else restarts.

import { Gauge } from "prom-client";

const PERIOD_SECONDS = 600;

const wave = new Gauge({
	name: "custom_metric_1",
	help: "A wave of ten minutes between -1 and 1, to have something to look at in a graph",
	labelNames: ["label1"],
});

export function process(): void {
	const angle = (2 * Math.PI * Date.now()) / 1000 / PERIOD_SECONDS;
	wave.set({ label1: "sine" }, Math.sin(angle));
	wave.set({ label1: "cosine" }, Math.cos(angle));
}
