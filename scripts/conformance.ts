/**
 * Runs the official MCP conformance suite against a real host, for both revisions and over both ways that a tool call can
 * take: `npm run conformance [-- --verbose]`. The modules are those of test/fixtures/conformance/mcps, each in a worker of
 * its own. Exit code 0 means that every scored scenario of both revisions passes.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../src/config/config.ts";
import type { Logger } from "../src/logging/logger.ts";
import { startServer } from "../src/composition/start-server.ts";

const REVISIONS = ["2025-11-25", "2026-07-28"];
const MODULES = path.join(import.meta.dirname, "../test/fixtures/conformance/mcps");
const SUITE = fileURLToPath(import.meta.resolve("@modelcontextprotocol/conformance/dist/index.js"));
const verbose = process.argv.includes("--verbose");

let failed = false;
for (const directCalls of [true, false]) {
	const folder = await mkdtemp(path.join(tmpdir(), "bulkhead-conformance-"));
	await mkdir(path.join(folder, "metrics"));
	const server = await startServer({ config: configFor(folder), log: silent(), directCalls });
	for (const revision of REVISIONS) {
		process.stdout.write(`\n== ${revision}, tool calls ${directCalls ? "direct" : "through the SDK"}\n`);
		const { code, output } = await run(revision, `${server.url}/mcp`, path.join(folder, "results"));
		failed ||= code !== 0;
		process.stdout.write(verbose || code !== 0 ? output : summaryOf(output));
	}
	await server.close();
	await rm(folder, { recursive: true });
}
process.exit(failed ? 1 : 0);

function configFor(folder: string) {
	const loaded = loadConfig({ PORT: "0", MCPS_DIR: MODULES, SHUTDOWN_TIMEOUT_MS: "2000" }, folder);
	if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
	return loaded.config;
}

async function run(revision: string, url: string, results: string): Promise<{ code: number; output: string }> {
	const suite = spawn(
		process.execPath,
		[SUITE, "server", "--url", url, "--requirements", revision, "--output-dir", results],
		{ stdio: ["ignore", "pipe", "pipe"] },
	);
	let output = "";
	for (const stream of [suite.stdout, suite.stderr]) {
		stream.setEncoding("utf8").on("data", (text: string) => {
			output += text;
		});
	}
	const [code] = (await once(suite, "close")) as [number];
	return { code, output };
}

function summaryOf(output: string): string {
	return `${output.slice(Math.max(0, output.lastIndexOf("=== SUMMARY ===")))}\n`;
}

function silent(): Logger {
	const nothing = (): undefined => undefined;
	const logger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => logger };
	return logger;
}
