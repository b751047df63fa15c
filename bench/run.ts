/**
 * Runs every benchmark, one after the other, and prints one JSON document; `node --import tsx bench/run.ts [--short]`.
 * A benchmark is a file of this folder that prints a JSON document of its own; one that fails fails the run, once all
 * others have been run.
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { cpus } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { short: { type: "boolean", default: false } } });
/** What makes a benchmark of minutes one of seconds, where it has no `--short` of its own. */
const SHORT: Readonly<Record<string, readonly string[]>> = {
	scrape: ["--sizes", "1000,10000", "--rounds", "7"],
};

const results: Record<string, unknown> = {};
const failures: string[] = [];
for (const name of benchmarks()) {
	process.stderr.write(`bench/${name}.ts\n`);
	const file = path.join(import.meta.dirname, `${name}.ts`);
	const short = values.short ? (SHORT[name] ?? ["--short"]) : [];
	const run = spawnSync(process.execPath, ["--import", "tsx", file, ...short], {
		encoding: "utf8",
		stdio: ["ignore", "pipe", "inherit"],
		maxBuffer: 64 * 1024 * 1024,
	});
	try {
		if (run.status !== 0) throw new Error(`it ended with ${run.signal ?? run.status}`);
		results[name] = JSON.parse(run.stdout);
	} catch (error) {
		failures.push(`bench/${name}.ts: ${(error as Error).message}`);
	}
}
const machine = { node: process.version, platform: process.platform, cpus: cpus().length, model: cpus()[0]?.model };
console.log(JSON.stringify({ short: values.short, machine, results, failures }, undefined, "\t"));
if (failures.length > 0) process.exitCode = 1;

function benchmarks(): readonly string[] {
	return readdirSync(import.meta.dirname)
		.filter((file) => file.endsWith(".ts") && file !== path.basename(import.meta.filename))
		.map((file) => file.slice(0, -3))
		.toSorted();
}
