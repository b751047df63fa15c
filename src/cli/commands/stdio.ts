import { Command } from "commander";
import { readLaunch } from "../../config/config.ts";
import { runStdio } from "../../stdio/run-stdio.ts";
import { namedHost, tokenOf } from "../host/host-options.ts";
import type { RunHost } from "../host/run-host.ts";

const STDERR = 2;

export function stdioCommand(runHost: RunHost): Command {
	return new Command("stdio")
		.description(
			"Serve them to one MCP client over standard input and output; with --url as a bridge to a host that runs",
		)
		.action(async (_options: unknown, command: Command) => {
			const named = namedHost(command);
			process.exitCode = await runStdio({
				url: named === undefined ? undefined : new URL(`${named.url}/mcp`),
				token: named === undefined ? tokenOf(readLaunch().env) : named.token,
				runHost: (env, until) => runHost({ env, until, stdout: STDERR, log: STDERR }),
			});
		});
}
