import { Command } from "commander";
import { EXIT_CODES } from "../../launch/launch-contract.ts";
import type { CheckResult } from "../doctor/check-result.ts";
import { checkMachine } from "../doctor/machine.ts";
import { checkHost } from "../doctor/running-host.ts";
import { namedHost } from "../host/host-options.ts";
import { harmless, print, printJson, styled } from "../terminal/output.ts";

export function doctorCommand(): Command {
	return new Command("doctor")
		.description("Check what a host needs of this machine; with --url a host that runs: its routes, page and offers")
		.option("--json", "As JSON")
		.action(async ({ json }: { json?: true }, command: Command) => {
			const named = namedHost(command);
			const results = named === undefined ? await checkMachine() : await checkHost(named);
			if (json) printJson({ checks: results });
			else for (const result of results) print(lineOf(result));
			if (results.some(({ status }) => status === "failed")) process.exitCode = EXIT_CODES.startFailed;
		});
}

function lineOf({ check, status, detail }: CheckResult): string {
	const text = harmless(detail).replaceAll("\n", "\n    ");
	return `${styled(COLOURS[status], status.padEnd(7))} ${harmless(check)}: ${text}`;
}

const COLOURS = { ok: "green", warning: "yellow", failed: "red", skipped: "dim" } as const;
