/** The built product as an operator starts it, over module folders of this benchmark. Prints its URL. */
import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";

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
const main = path.join(import.meta.dirname, "../../dist/main.js");
const host = spawn(process.execPath, [main], {
	cwd: folder,
	env: { PATH: process.env["PATH"], PORT: "0", LOG_FORMAT: "json" },
	stdio: ["ignore", "ignore", "pipe"],
});
let log = "";
host.stderr.setEncoding("utf8").on("data", (text: string) => {
	const wasReady = READY.test(log);
	log += text;
	const url = READY.exec(log)?.[1];
	if (!wasReady && url !== undefined) process.stdout.write(`${url}/mcp\n`);
});
host.once("exit", (code) => {
	if (!READY.test(log)) process.stderr.write(log);
	void rm(folder, { recursive: true, force: true }).then(() => process.exit(code ?? 1));
});
process.once("SIGTERM", () => host.kill("SIGTERM"));

const READY = /ready at (http:\/\/[^\s"]+)/;
