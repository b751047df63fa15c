/** Modules of the benchmark: registries in a worker thread, collected in turn for as long as the thread lives. */
import { parentPort, workerData } from "node:worker_threads";
import { Registry } from "prom-client";
import { encodeSnapshot } from "../../workers/snapshot/encode-snapshot.ts";
import { fillRegistry } from "./families.ts";

const { series, modules, intervalMs } = workerData as { series: number; modules: number; intervalMs: number };
const registries = Array.from({ length: modules }, (_, index) => {
	const registry = new Registry();
	return {
		moduleId: `metrics/m${index}`,
		registry,
		change: fillRegistry(registry, `module_${index}`, series / modules),
	};
});

for (const { moduleId, registry } of registries) await send(moduleId, registry);
let turn = 0;
setInterval(() => {
	const module = registries[turn++ % modules];
	if (module === undefined) return;
	module.change();
	void send(module.moduleId, module.registry);
}, intervalMs / modules);

async function send(moduleId: string, registry: Registry): Promise<void> {
	const encoded = encodeSnapshot([await registry.getMetricsAsJSON()], {
		maxBytes: 64 * 1024 * 1024,
		maxSamples: 10_000_000,
	});
	if (!encoded.ok) throw new Error(encoded.message);
	parentPort?.postMessage({ moduleId, bytes: encoded.bytes }, [encoded.bytes.buffer as ArrayBuffer]);
}
