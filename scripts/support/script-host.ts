import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { loadConfig } from "../../src/config/config.ts";
import type { Logger } from "../../src/logging/logger.ts";
import { startServer } from "../../src/composition/start-server.ts";

/** A host in this process over copies of the examples, for a script to work on. */
export async function startScriptHost(
	env: Readonly<Record<string, string>>,
): Promise<{ readonly url: string; close(): Promise<void> }> {
	const folder = await mkdtemp(path.join(tmpdir(), "bulkhead-script-"));
	for (const kind of ["metrics", "mcps"]) {
		await cp(path.join(import.meta.dirname, "../..", kind), path.join(folder, kind), { recursive: true });
	}
	const loaded = loadConfig({ PORT: "0", SHUTDOWN_TIMEOUT_MS: "2000", ...env }, folder);
	if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
	const nothing = (): undefined => undefined;
	const log: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => log };
	const server = await startServer({ config: loaded.config, log });
	return {
		url: server.url,
		async close() {
			await server.close();
			await rm(folder, { recursive: true });
		},
	};
}
