import { type RunningServer, startServer } from "./composition/start-server.ts";
import { raiseMainPriority } from "./composition/realtime-priority.ts";
import { describeProblems, loadConfig, readLaunch } from "./config/config.ts";
import { BulkheadError, messageOf } from "./core/errors.ts";
import { EXIT_CODES } from "./launch/launch-contract.ts";
import { createLogger } from "./logging/logger.ts";

/** The host process: reads the configuration, serves until a stop signal or the end of its supervisor. */
async function runHost(): Promise<void> {
	// From the first moment on: a terminal that is closed, or an operator who reloads early, does not end the host.
	let running: RunningServer | undefined;
	process.on("SIGHUP", () => void running?.reload());
	const launch = readLaunch();
	const loaded = loadConfig(launch.env, launch.startDir, launch.terminal);
	if (!loaded.ok) {
		process.stderr.write(`${describeProblems(loaded.problems)}\n`);
		process.exitCode = EXIT_CODES.badConfiguration;
		return;
	}
	const log = createLogger(loaded.config, launch.logFd);
	process.on("uncaughtException", (error) => {
		log.error("nothing caught this error; the host ends and its supervisor starts it again", { error });
		log.flush();
		process.exit(EXIT_CODES.uncaught);
	});
	for (const warning of loaded.warnings) log.warn(warning);

	const server = await startServer({
		config: loaded.config,
		log,
		reopenLog: log.reopen,
		env: launch.env,
		restarts: launch.restarts,
		...(launch.lastEnd !== undefined && { lastEnd: launch.lastEnd }),
	});
	log.info(`ready at ${server.url} with ${server.moduleCount} modules after ${Math.round(performance.now())} ms`, {
		mcp_event: "host_ready",
		url: server.url,
		modules: server.moduleCount,
	});
	// Not before: nobody waits for what a start takes.
	if (loaded.config.mainPriority === "realtime" && (await raiseMainPriority())) {
		log.debug("the main thread has real-time priority");
	}
	let stopping: Promise<void> | undefined;
	const stop = (why: string): void => {
		stopping ??= (async () => {
			log.info(`stopping: ${why}`, { mcp_event: "host_stop" });
			await server.close();
			log.info("stopped", { mcp_event: "host_stop" });
			log.close();
			// An abandoned thread must not keep the process; if it hangs even this, the supervisor ends it.
			process.exit(EXIT_CODES.stopped);
		})();
	};
	running = server;
	for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop(signal));
	if (launch.supervised) process.stdin.resume().once("close", () => stop("the supervisor is gone"));
}

if (import.meta.main) {
	try {
		await runHost();
	} catch (error) {
		process.stderr.write(`bulkhead: ${messageOf(error)}\n`);
		process.exit(exitCodeOf(error));
	}
}

function exitCodeOf(error: unknown): number {
	if (!(error instanceof BulkheadError)) return EXIT_CODES.uncaught;
	return error.code === "CONFIG_INVALID" ? EXIT_CODES.badConfiguration : EXIT_CODES.startFailed;
}
