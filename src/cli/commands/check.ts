import { closeSync, openSync, readFileSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { EXIT_CODES } from "../../launch/launch-contract.ts";
import { prepareOwnHost, untilReady } from "../../stdio/own-host.ts";
import { collectReport } from "../check/collect-report.ts";
import { printReport } from "../check/print-report.ts";
import { CommandFailure } from "../host/failure.ts";
import type { RunHost } from "../host/run-host.ts";
import { printJson } from "../terminal/output.ts";

export function checkCommand(runHost: RunHost): Command {
	return new Command("check")
		.description("Load the modules of this folder in their sandbox, run each once, and say what is to be mended")
		.argument("[modules...]", "Which of them, as metrics/disk or metrics/disk.ts; default: all")
		.option("--json", "The findings, metrics and tools, for CI")
		.action(async (only: readonly string[], { json }: { json?: true }) => {
			using own = await prepareOwnHost();
			const logFile = path.join(own.folder, "host.log");
			const log = openSync(logFile, "w");
			const stop = new AbortController();
			try {
				const env = {
					...own.env,
					LOG_FILE: "",
					LOG_FORMAT: "json",
					METRICS_ENDPOINT_ENABLED: "",
					PROMETHEUS_REGISTRY_ENABLED: "",
				};
				const ended = runHost({ env, until: stop.signal, stdout: log, log });
				const isEarly = await Promise.race([
					ended.then(() => true),
					untilReady(own.url, stop.signal).then(() => false),
				]);
				if (isEarly) {
					const last = readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-5).join("\n");
					throw new CommandFailure(`the host did not start\n${last}`.trimEnd(), await ended);
				}
				const report = await collectReport({ url: own.url, config: own.config, only });
				if (json) printJson(report);
				else printReport(report);
				const isClean = report.ignored.length === 0 && report.modules.every(({ findings }) => findings.length === 0);
				if (!isClean) process.exitCode = EXIT_CODES.startFailed;
				stop.abort();
				await ended;
			} finally {
				stop.abort();
				closeSync(log);
			}
		});
}
