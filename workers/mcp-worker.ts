import { setTimeout as delay } from "node:timers/promises";
import { createModuleServer } from "./mcp/module-server.ts";
import { registeringFunction } from "./mcp/registering-function.ts";
import { allowRepeatedMetrics } from "./mcp/repeated-metrics.ts";
import { CATALOG_CHARS_PER_SECOND } from "./wire/intake-quota.ts";
import { MAX_EMITTED_LENGTH } from "./wire/messages.ts";
import { type ModuleFlavour, serveModule, tellTaskChanged } from "./runtime/serve-module.ts";
import { cheapenGuards } from "./mcp/sdk-guards.ts";
import type { Port } from "./wire/port.ts";

/** What a worker of an MCP module runs: one task that lasts as long as the module. */
export default function mcpWorker({ port }: { readonly port: Port }): Promise<void> {
	cheapenGuards();
	return serveModule(port, MCP_MODULE);
}

const MCP_MODULE: ModuleFlavour = {
	async load(exports, context, { serverInfo, limits }, host, metrics) {
		const register = registeringFunction(exports);
		const ranOnce = allowRepeatedMetrics(metrics.registries());
		let waiting = false;
		let toldTooLong = false;
		let rebuilt = Promise.resolve();
		const relist = pacedTelling(async () => {
			try {
				const json = await server.catalog();
				host.send({ type: "relisted", json });
				return json.length;
			} catch (error) {
				context.log.error(`the changed lists could not be read: ${String(error)}`);
				return 0;
			}
		});
		const server = await createModuleServer({
			register: async (given, itsContext) => {
				await register(given, itsContext);
				ranOnce();
			},
			context,
			serverInfo,
			maxResultBytes: limits.maxResultBytes,
			onListChanged: relist,
			onResourceUpdated: (uri) => context.notify.resourceUpdated(uri as string),
			onPushed: (session, json) => host.send({ type: "pushed", session, json }),
			onTooLong(method, length) {
				if (toldTooLong) return;
				toldTooLong = true;
				context.log.warn(
					`a ${method} of ${length} characters is longer than the ${MAX_EMITTED_LENGTH} that a call may send at a time, and was dropped; later ones are not told of`,
				);
			},
			onTaskChanged: (taskId) => tellTaskChanged(host, taskId),
			onFailed: host.failed,
		});
		return {
			catalog: await server.catalog(),
			call: (call, requestContext) => server.answer(call, requestContext),
			relist: () => {
				// A module may notify as often as it likes; what waits already will see what it changed.
				if (waiting) return;
				waiting = true;
				rebuilt = rebuilt.then(async () => {
					waiting = false;
					try {
						await server.rebuild();
						relist();
					} catch (error) {
						context.log.error(`the module's function failed: ${String(error)}`);
					}
				});
			},
		};
	},
};

/**
 * A module may change its lists as often as it likes. They are told one after the other, and a long one holds the next back:
 * what changes meanwhile is told with that.
 *
 * @param tell how many characters it took
 */
function pacedTelling(tell: () => Promise<number>): () => void {
	let wanted = false;
	let telling = false;
	async function tellOn(): Promise<void> {
		telling = true;
		while (wanted) {
			wanted = false;
			const characters = await tell();
			await delay((characters * 1000) / CATALOG_CHARS_PER_SECOND, undefined, { ref: false });
		}
		telling = false;
	}
	return () => {
		wanted = true;
		if (!telling) void tellOn();
	};
}
