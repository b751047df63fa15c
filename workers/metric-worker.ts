import { type ModuleFlavour, serveModule } from "./runtime/serve-module.ts";
import { lowerThreadPriority } from "./runtime/thread-priority.ts";
import { explainOwnProcess } from "./runtime/own-process.ts";
import { wrongExports } from "./runtime/wrong-exports.ts";
import type { Port } from "./wire/port.ts";
import { wrongShape } from "./wire/wire-error.ts";

/** What a worker of a metric module runs: one task that lasts as long as the module. */
export default function metricWorker({ port }: { readonly port: Port }): Promise<void> {
	return serveModule(port, METRIC_MODULE);
}

const METRIC_MODULE: ModuleFlavour = {
	async load(exports, _context, _start, _host, metrics) {
		const process = exports["process"] ?? (metrics.has() ? collectAlone : undefined);
		if (typeof process !== "function") throw wrongShape(wrongExports(exports));
		explainOwnProcess(process);
		// From here on it is collected, and nobody waits for that as for a scrape, a tool call or a module's start.
		const atLowPriority = lowerThreadPriority();
		return { process: () => atLowPriority(() => process.call(undefined) as unknown) };
	},
};

/** Of a module whose metrics bring themselves up to date. */
function collectAlone(): void {}
