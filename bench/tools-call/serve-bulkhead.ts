/** The host, over module folders of this benchmark. Prints its URL. */
import { cp, mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { loadConfig } from "../../src/config.ts";
import type { Logger } from "../../src/logger.ts";
import { startServer } from "../../src/server.ts";

const folder = await mkdtemp(path.join(tmpdir(), "bulkhead-bench-"));
await mkdir(path.join(folder, "metrics"));
await mkdir(path.join(folder, "mcps"));
await cp(path.join(import.meta.dirname, "tool.ts"), path.join(folder, "mcps/tool.ts"));
await cp(path.join(import.meta.dirname, "burn.ts"), path.join(folder, "mcps/_burn.ts"));
for (const name of ["burn_1", "burn_2"]) {
	await writeFile(
		path.join(folder, `mcps/${name}.ts`),
		`import { burn } from "./_burn.ts";\nexport default (server) => burn(server, "${name}");\n`,
	);
}
const loaded = loadConfig({ PORT: "0" }, folder);
if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
const nothing = (): undefined => undefined;
const log: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => log };
const directCalls = !process.argv.includes("--through-the-sdk");
const { url } = await startServer({ config: loaded.config, log, directCalls });
process.stdout.write(`${url}/mcp\n`);
