import { parentPort } from "node:worker_threads";
import { Gauge, register } from "prom-client";
import type { McpModule, ModuleContext } from "./contract.ts";
import { compiledCode } from "./libraries.ts";
import { NO_CONTEXT } from "./mcp/server-pool.ts";
import { createModuleServer } from "./mcp/module-server.ts";
import { ERAS } from "./wire/catalog.ts";

// A thread that does what a module's does between its start and its first answer, with nobody's module, and then posts
// what V8 has compiled on the way (`CompiledCodeDto`). The host runs it once and hands that to every thread it starts.

const TOOL = "rehearse";
const CALL = JSON.stringify({ name: TOOL, arguments: {} });
const quiet = (): void => undefined;
const context: ModuleContext = {
	id: "mcps/warm-up",
	signal: NO_CONTEXT.signal,
	env: {},
	log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
	notify: {
		toolsChanged: quiet,
		promptsChanged: quiet,
		resourcesChanged: quiet,
		resourceUpdated: quiet,
		taskChanged: quiet,
	},
};
const registerTool: McpModule = (server) => {
	server.registerTool(TOOL, {}, () => ({ content: [{ type: "text", text: "as if" }] }));
};

const server = await createModuleServer({
	register: registerTool,
	context,
	serverInfo: { name: "warm-up", version: "1" },
	maxResultBytes: 1 << 20,
	onListChanged: quiet,
	onResourceUpdated: quiet,
	onPushed: quiet,
	onTooLong: quiet,
	onFailed: quiet,
	onTaskChanged: quiet,
});
await server.catalog();
for (const era of ERAS) {
	await server.answer({ era, method: "tools/call", params: CALL }, NO_CONTEXT);
}
new Gauge({ name: TOOL, help: TOOL }).inc();
await register.getMetricsAsJSON();
const code = compiledCode();
parentPort?.postMessage(
	code,
	Object.values(code).map(({ buffer }) => buffer as ArrayBuffer),
);
