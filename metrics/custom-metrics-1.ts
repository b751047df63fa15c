// The smallest metric module: gauges of prom-client, and `process()`, which the host calls on a schedule.
// Save the file and the new version takes over; nothing else restarts.

import { Gauge } from "prom-client";

const WAVE_PERIOD_SECONDS = 600;

const example = new Gauge({
	name: "custom_metric_1",
	help: "Description of custom metric",
	labelNames: ["label1"],
});

const wave = new Gauge({
	name: "example_wave",
	help: "A wave of ten minutes between -1 and 1, to have something to look at in a graph",
	labelNames: ["function"],
});

export function process(): void {
	example.set({ label1: "example" }, Math.floor(Math.random() * 101)); // a whole number from 0 to 100
	const angle = (2 * Math.PI * Date.now()) / 1000 / WAVE_PERIOD_SECONDS;
	wave.set({ function: "sine" }, Math.sin(angle));
	wave.set({ function: "cosine" }, Math.cos(angle));
}
