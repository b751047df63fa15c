import packageJson from "bulkhead-host/package.json" with { type: "json" };
import { Command, CommanderError } from "commander";
import { BulkheadError } from "../core/errors.ts";
import { EXIT_CODES } from "../launch/launch-contract.ts";
import { callCommand } from "./commands/call.ts";
import { checkCommand } from "./commands/check.ts";
import { completionCommand } from "./commands/completion.ts";
import { connectCommand } from "./commands/connect.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { logsCommand } from "./commands/logs.ts";
import { modulesCommand } from "./commands/modules.ts";
import { newCommand } from "./commands/new.ts";
import { promptCommand } from "./commands/prompt.ts";
import { readCommand } from "./commands/read.ts";
import { startCommand } from "./commands/start.ts";
import { steeringCommands } from "./commands/steer.ts";
import { stdioCommand } from "./commands/stdio.ts";
import { toolsCommand } from "./commands/tools.ts";
import { topCommand } from "./commands/top.ts";
import type { RunHost } from "./host/run-host.ts";
import { CommandFailure } from "./host/failure.ts";

export interface CliOptions {
	readonly runHost: RunHost;
	/** Absolute path of the script that runs this. */
	readonly main: string;
}

/**
 * Every command but the bare `bulkhead`, which starts the host.
 *
 * @param args the command line without Node and the script
 * @returns the exit code: 0; 1 for a failure that the command is there to find; 78 for wrong usage or configuration
 */
export async function runCli(args: readonly string[], { runHost, main }: CliOptions): Promise<number> {
	// A reader that has seen enough (`| head`) is no failure of ours.
	process.stdout.on("error", () => process.exit(EXIT_CODES.stopped));
	process.stderr.on("error", () => {});
	const program = createProgram(runHost, main);
	try {
		await program.parseAsync(args, { from: "user" });
		return Number(process.exitCode ?? EXIT_CODES.stopped);
	} catch (error) {
		if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.stopped : EXIT_CODES.badConfiguration;
		const code = exitCodeOf(error);
		if (code === undefined) throw error;
		process.stderr.write(`bulkhead: ${(error as Error).message}.\n`);
		return code;
	}
}

function createProgram(runHost: RunHost, main: string): Command {
	const program = new Command("bulkhead")
		.description("A Prometheus exporter and an MCP server on one port, made of files that teams drop into a folder.")
		.usage("[COMMAND] [options]\n\nWithout a command it serves the modules over HTTP, as .env and the environment say.")
		.version(packageJson.version, "-V, --version", "Print the version")
		.option("--url <url>", "The host that is meant (or BULKHEAD_URL); default: the one of this folder")
		.option("--token <token>", "Who asks (or BULKHEAD_TOKEN, which other users of the machine cannot see)")
		.helpOption("-h, --help", "Print help")
		.helpCommand("help [command]", "Print the help of a command")
		.configureHelp({ showGlobalOptions: true })
		.exitOverride()
		.configureOutput({ outputError: (text, write) => write(text.replace(/^error:/, "bulkhead:")) })
		.showSuggestionAfterError()
		.showHelpAfterError("(`bulkhead --help` lists the commands.)");
	for (const command of [
		startCommand(),
		stdioCommand(runHost),
		checkCommand(runHost),
		modulesCommand(),
		toolsCommand(),
		callCommand(),
		readCommand(),
		promptCommand(),
		logsCommand(),
		...steeringCommands(),
		topCommand(),
		doctorCommand(),
		newCommand(),
		connectCommand(main),
		completionCommand(),
	])
		program.addCommand(command.copyInheritedSettings(program));
	return program;
}

/** Undefined for what is a defect of ours. */
function exitCodeOf(error: unknown): number | undefined {
	if (error instanceof CommandFailure) return error.exitCode;
	if (!(error instanceof BulkheadError)) return undefined;
	return error.code === "CONFIG_INVALID" ? EXIT_CODES.badConfiguration : EXIT_CODES.startFailed;
}
