import { dirname, extname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import packageJson from "bulkhead-host/package.json" with { type: "json" };
import { describeProblems, type Environment, type HostConfig, loadConfig, readLaunch } from "./config/config.ts";
import { BulkheadError, messageOf } from "./core/errors.ts";
import { readBundledLibraries } from "./host/bundle/bundled-libraries.ts";
import { createCompiler } from "./host/compile/compiler.ts";
import { createHost } from "./host/host.ts";
import { refusedBuiltin } from "./host/policy/permissions.ts";
import { describePolicyProblems, openPolicyFile } from "./host/policy/policy-file.ts";
import { createWorkerFactory } from "./host/worker/worker-factory.ts";
import { createApp } from "./http/app.ts";
import { createListener } from "./http/listener.ts";
import { sampleHost } from "./composition/host-sample.ts";
import { createInstrumentation } from "./composition/instrumentation.ts";
import { createReload, type Reloadable } from "./composition/reload.ts";
import type { ReloadReport } from "./http/routes/reload-route.ts";
import { EXIT_CODES, type RestartCounts } from "./launch/launch-contract.ts";
import { createLogger, type Logger } from "./logging/logger.ts";
import { raiseMainPriority } from "./composition/realtime-priority.ts";
import { createCatalog, MAX_LISTED } from "./mcp/catalog/catalog.ts";
import { describeUnlisted } from "../workers/wire/catalog.ts";
import { createGateway } from "./mcp/calls/gateway.ts";
import { createMcpEndpoint } from "./mcp/endpoint.ts";
import { SESSION_MESSAGE_DROPS } from "./mcp/sessions/session-messages.ts";
import { MCP_OWNERS } from "./mcp/catalog/name-owner-format.ts";
import { createCollector } from "./metrics/collector.ts";
import { clearCounterStore } from "./metrics/counters/persistence.ts";
import { newsFields, newsLine } from "./metrics/drops/log-lines.ts";
import { createHostMetrics } from "./metrics/self/host-metrics.ts";
import { createMachineUsage } from "./metrics/self/machine-usage.ts";
import { createMetricsAggregate } from "./metrics/aggregate.ts";
import { startIntake } from "./metrics/ingest/start-ingest.ts";
import { createOwnerKeeper } from "./state/owner-store.ts";
import { DEFAULT_SNAPSHOT_LIMITS } from "../workers/snapshot/limits.ts";

/** A host that answers. */
export interface RunningServer {
	readonly url: string;
	/** Modules that were found at the start. */
	readonly moduleCount: number;
	/** Reads the policy again and opens log files again, as SIGHUP does. */
	reload(): Promise<ReloadReport>;
	/** Stops accepting, lets running calls finish within `SHUTDOWN_TIMEOUT_MS`, then stops every module. Safe to call twice. */
	close(): Promise<void>;
}

export interface ServerOptions {
	readonly config: HostConfig;
	readonly log: Logger;
	/** Opens the log's files again. */
	readonly reopenLog?: () => void;
	/** The host's environment, of which a policy grants variables to modules. */
	readonly env?: Environment;
	readonly restarts?: RestartCounts;
	/** Whether tool calls may be answered without the SDK in between; `false` is for comparing the two ways. */
	readonly directCalls?: boolean;
}

const SERVER_INFO = { name: "bulkhead", version: packageJson.version };

/**
 * Composes a host and listens; resolves when every module has started once or has failed to.
 *
 * @throws {BulkheadError} PORT_IN_USE
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
	const { config, log, env = {}, restarts, directCalls } = options;
	const startedAt = Date.now();
	const machine = createMachineUsage();
	const metrics = createHostMetrics({
		version: SERVER_INFO.version,
		serverName: SERVER_INFO.name,
		now: Date.now,
		sample: () => sampleHost({ host, gateway, collector, machine }),
	});
	if (restarts !== undefined) {
		for (const reason of ["signal", "exit"] as const) metrics.hostRestarts.inc({ reason }, restarts[reason]);
	}
	const instrumentation = createInstrumentation(metrics);
	const logError = (error: Error): void => log.debug(`MCP: ${error.message}`);

	const policyFile = openPolicyFile({
		path: config.pluginsFile,
		required: env["PLUGINS_FILE"] !== undefined,
		onChange(policy) {
			metrics.configReloads.inc({ status: "success" });
			log.info(`${config.pluginsFile} has changed and is in force`);
			host.setPolicy(policy);
		},
		onInvalid(problems) {
			metrics.configReloads.inc({ status: "failure" });
			metrics.configValidationErrors.inc({ error_type: "plugin_policy" }, problems.length);
			log.error(`${describePolicyProblems(config.pluginsFile, problems)}\nThe policy before stays in force.`);
		},
	});
	const limits = {
		maxSeries: config.moduleMaxSeries,
		maxLabels: config.moduleMaxLabels,
		maxLabelLength: config.moduleMaxLabelLength,
	};
	if (!config.counterState) {
		await clearCounterStore(config.stateDir).catch((error: unknown) => log.warn(`old counters: ${messageOf(error)}`));
	}
	const onProblem = (what: string): void => log.warn(what);
	const mcpOwners = createOwnerKeeper({ stateDir: config.stateDir, format: MCP_OWNERS, onProblem });
	const intake = startIntake({
		hostFamilies: metrics.sources.flatMap(({ families }) => families),
		maxSeries: limits.maxSeries,
		leaseMs: config.collectMaxAgeMs,
		stateDir: config.stateDir,
		counterState: config.counterState,
	});
	const aggregate = createMetricsAggregate({
		intake,
		limitsOf: (id) => {
			const { maxSeries, maxLabels, maxLabelLength } = policyFile.policy().of(id);
			return {
				maxSeries: maxSeries ?? limits.maxSeries,
				maxLabels: maxLabels ?? limits.maxLabels,
				maxLabelLength: maxLabelLength ?? limits.maxLabelLength,
			};
		},
		maxAgeMs: config.collectMaxAgeMs,
		now: Date.now,
		host: metrics.sources,
		onDrop: (id, reason, count) => metrics.collectDropped.inc({ server_id: id, reason }, count),
		onNews(id, news) {
			const { level, message } = newsLine(id, news);
			log[level](message, { module: id, ...newsFields(news) });
		},
		onProblem,
	});
	const catalog = createCatalog({
		kept: await mcpOwners.load(),
		onChange: mcpOwners.changed,
		onConflict(id, { list, name, owner }) {
			metrics.toolConflicts.inc({});
			log.warn(`${id}: ${list} ${name} is refused, ${owner} had the name first; rename one of them`, { module: id });
		},
		onListTooLong(id, length) {
			const what = `its template lists ${length} resources for a request, of which the first ${MAX_LISTED} are shown`;
			log.warn(`${id}: ${what}; list fewer`, { module: id });
		},
		onRejected: (id, rejected) =>
			log.warn(`${id}: left out of the lists: ${describeUnlisted(rejected)}`, { module: id }),
		onWarning: (id, warning) => log.warn(`${id}: ${warning}`, { module: id }),
	});
	const libraries = readBundledLibraries(dirname(workerEntry("mcp-worker")));
	const host = createHost({
		folders: { metrics: config.metricsDir, mcps: config.mcpsDir },
		workers: createWorkerFactory({
			entries: { metrics: workerEntry("metric-worker"), mcps: workerEntry("mcp-worker") },
			libraries,
			sandbox: config.sandbox,
			stateDir: config.stateDir,
			env,
			onProblem,
		}),
		compiler: createCompiler({
			stateDir: config.stateDir,
			log,
			bundledLibraries: libraries,
			refusedBuiltin: (id, name) => refusedBuiltin(config.sandbox, policyFile.policy().of(id), id, name),
		}),
		serverInfo: SERVER_INFO,
		displayRoot: dirname(config.metricsDir),
		policy: policyFile.policy(),
		settings: {
			startTimeoutMs: config.moduleStartTimeoutMs,
			callTimeoutMs: config.callTimeoutMs,
			hangTimeoutMs: config.hangTimeoutMs,
			memoryBytes: config.moduleMemoryMb * 1_048_576,
			maxResultBytes: config.callMaxResultBytes,
			maxSnapshotBytes: DEFAULT_SNAPSHOT_LIMITS.maxBytes,
			maxSamples: DEFAULT_SNAPSHOT_LIMITS.maxSamples,
		},
		log,
		listeners: {
			...instrumentation.modules,
			onState(id, state) {
				if (state === "disabled") listsChanged(catalog.remove(id));
				instrumentation.modules.onState(id, state);
			},
			onServing(id, started, offered) {
				if (config.prometheusRegistryEnabled) collector.serving(id, started);
				if (offered !== undefined) listsChanged(catalog.set(id, offered));
				mcp.serving(id);
			},
			onRelisted: (id, offered) => listsChanged(catalog.relist(id, offered)),
			onResourceUpdated: (_id, uri) => mcp.resourceUpdated(uri),
			onPushed: (id, session, json) => mcp.pushed(id, session, json),
			onTaskChanged: (id, taskId) => mcp.taskChanged(id, taskId),
			onRemoved(id) {
				collector.removed(id);
				gateway.removed(id);
				listsChanged(catalog.remove(id));
				instrumentation.modules.onRemoved(id);
			},
		},
	});
	const collector = createCollector({
		host,
		aggregate,
		intervalMs: config.collectIntervalMs,
		timeoutMs: config.collectTimeoutMs,
		onCollected: instrumentation.collected,
	});
	const gateway = createGateway({
		host,
		catalog,
		callTimeoutMs: (id) => policyFile.policy().of(id).callTimeoutMs ?? config.callTimeoutMs,
		callConcurrency: config.callConcurrency,
		callQueue: config.callQueue,
		observe: instrumentation.request,
	});
	const mcp = createMcpEndpoint({
		gateway,
		catalog,
		serverInfo: SERVER_INFO,
		...(directCalls !== undefined && { directCalls }),
		sessionMax: config.sessionMax,
		sessionIdleTimeoutMs: config.sessionIdleTimeoutMs,
		...(config.requestStateKey !== undefined && { requestStateKey: config.requestStateKey }),
		onError: logError,
		onSessions: (count) => metrics.activeSessions.set({}, count),
		onMessageDropped(id, reason, isFirst) {
			instrumentation.sessionMessageDropped(id, reason);
			if (isFirst)
				log.warn(`${id}: a message to a session was dropped: ${SESSION_MESSAGE_DROPS[reason]}`, { module: id });
		},
	});

	function listsChanged(lists: ReturnType<typeof catalog.set>): void {
		if (lists.size > 0) mcp.listsChanged(lists);
		const previous = toolNames;
		toolNames = new Set(catalog.list("tools", "modern").map((tool) => String(tool["name"])));
		for (const name of previous) if (!toolNames.has(name)) metrics.removeTool(name);
		for (const { id } of host.modules()) {
			const { tools, prompts, resources, resourceTemplates } = catalog.counts(id);
			if (!id.startsWith("mcps/")) continue;
			metrics.toolsByServer.set({ server_id: id }, tools);
			metrics.promptsByServer.set({ server_id: id }, prompts);
			metrics.resourcesByServer.set({ server_id: id }, resources + resourceTemplates);
		}
	}
	let toolNames: ReadonlySet<string> = new Set();

	const reload = createReload(
		[
			{
				what: config.pluginsFile,
				reload: () =>
					policyFile.reload().map(({ line, column, path, message }) => `${line}:${column} ${path} ${message}`),
			},
			...(config.logFile !== undefined && options.reopenLog !== undefined
				? [reopening(config.logFile, options.reopenLog)]
				: []),
		],
		log,
	);
	const app = createApp({
		config,
		serverInfo: SERVER_INFO,
		host,
		gateway,
		mcp,
		metrics: aggregate,
		collector,
		observeRequest: instrumentation.http,
		log,
		startedAt,
		isStopping: () => isStopping,
		reload,
		details: (id) => ({
			collection: aggregate.report(id) ?? null,
			offers: catalog.counts(id),
			conflicts: catalog.conflicts(id),
			rejected_entries: catalog.rejected(id),
			warnings: catalog.warnings(id),
		}),
	});
	const listener = createListener({
		app,
		host: config.host,
		port: config.port,
		portVariable: "PORT",
		keepAliveTimeoutMs: config.keepAliveTimeoutMs,
		onConnections: instrumentation.connections,
	});

	let isStopping = false;
	let closing: Promise<void> | undefined;
	const close = (): Promise<void> => {
		closing ??= (async () => {
			isStopping = true;
			listener.drain();
			if (config.shutdownDelayMs > 0) await delay(config.shutdownDelayMs);
			const until = performance.now() + config.shutdownTimeoutMs;
			await listener.stopAccepting(Math.min(MAX_LINGER_MS, config.shutdownTimeoutMs / 10));
			policyFile.close();
			await collector.stop();
			await host.stop(Math.max(0, until - performance.now()));
			await mcp.close();
			await Promise.all([intake.stop(), mcpOwners.close()]); // modules may change their lists while they stop
			await listener.close();
		})();
		return closing;
	};

	try {
		const url = await listener.listen();
		await host.start();
		const moduleIds = host.modules().map(({ id }) => id);
		aggregate.retain(moduleIds);
		listsChanged(catalog.seal(moduleIds));
		return { url, moduleCount: moduleIds.length, reload, close };
	} catch (error) {
		await close();
		throw error;
	}
}

function reopening(file: string, reopen: () => void): Reloadable {
	return {
		what: file,
		reload() {
			reopen();
			return [];
		},
	};
}

/** Worker entries are run as what this file is: TypeScript from the sources, JavaScript from dist/. */
function workerEntry(name: string): string {
	return fileURLToPath(new URL(`../workers/${name}${extname(import.meta.url)}`, import.meta.url));
}

/** How long idle connections are kept at the most when the host stops: a request on its way takes less. */
const MAX_LINGER_MS = 1000;

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
	const log = createLogger(loaded.config);
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
	});
	log.info(`ready at ${server.url} with ${server.moduleCount} modules after ${Math.round(performance.now())} ms`, {
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
			log.info(`stopping: ${why}`);
			await server.close();
			log.info("stopped");
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
