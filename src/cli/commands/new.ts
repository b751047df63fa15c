import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Argument, Command } from "commander";
import { describeProblems, loadConfig, readLaunch } from "../../config/config.ts";
import { messageOf } from "../../core/errors.ts";
import { readFileName } from "../../core/module-id.ts";
import { CommandFailure, wrongUsage } from "../host/failure.ts";
import { print } from "../terminal/output.ts";
import { mcpModule, mcpTest, metricModule, metricTest, toolNameOf } from "../templates/new-module.ts";

export function newCommand(): Command {
	return new Command("new")
		.description("Write a working module with its test beside it")
		.addArgument(new Argument("<kind>", "metric or mcp").choices(["metric", "mcp"]))
		.argument("<name>", "Letters, digits, _ and -")
		.action((kind: "metric" | "mcp", name: string) => {
			const { env, startDir } = readLaunch();
			const loaded = loadConfig(env, startDir);
			if (!loaded.ok) throw wrongUsage(describeProblems(loaded.problems));
			const folder = kind === "metric" ? loaded.config.metricsDir : loaded.config.mcpsDir;
			const verdict = readFileName(`${name}.ts`);
			if (verdict.type !== "module" || /[/\\]/.test(name))
				throw wrongUsage(`${JSON.stringify(name)} cannot be the name of a module: use letters, digits, _ and -`);
			const taken = EXTENSIONS.map((extension) => path.join(folder, name + extension)).find((file) => existsSync(file));
			if (taken !== undefined)
				throw wrongUsage(`${shown(taken)} is there already, and stays as it is: choose another name`);
			const [module, test] = kind === "metric" ? [metricModule, metricTest] : [mcpModule, mcpTest];
			const moduleFile = path.join(folder, `${name}.ts`);
			const testFile = path.join(folder, `${name}.test.ts`);
			write(moduleFile, module(name));
			write(testFile, test(name));
			const id = kind === "metric" ? `metrics/${name}` : `mcps/${name}`;
			print(`${shown(moduleFile)} and its test ${shown(testFile)} are written.`);
			print(`Next: \`bulkhead check ${id}\` runs it once, \`node --test ${shown(testFile)}\` its test;`);
			print(
				kind === "metric"
					? "a host that runs here serves it on /metrics a moment after each save."
					: `a host that runs here has its tool a moment after each save: \`bulkhead call ${toolNameOf(name)} --args '{"name": "you"}'\`.`,
			);
		});
}

/** A test beside it is no module (`*.test.*`), and is not in its way. */
const EXTENSIONS = ["", ".ts", ".mts", ".js", ".mjs", ".cjs", ".test.ts"];

function write(file: string, text: string): void {
	try {
		mkdirSync(path.dirname(file), { recursive: true });
		writeFileSync(file, text, { flag: "wx" });
	} catch (cause) {
		throw new CommandFailure(`${file} cannot be written (${messageOf(cause)})`, 1, { cause });
	}
}

/** As somebody would type it here. */
function shown(file: string): string {
	const relative = path.relative(process.cwd(), file);
	return relative.startsWith("..") ? file : relative;
}
