// A metric module in plain JavaScript: how long this version of the module has been running in its thread.
// It falls to zero when the module is saved, or has crashed and been restarted.

import { Gauge } from "prom-client";

const startedAt = performance.now();

const uptime = new Gauge({
	name: "module_uptime_seconds",
	help: "Time since this module was loaded",
});

export function process() {
	uptime.set((performance.now() - startedAt) / 1000);
}
