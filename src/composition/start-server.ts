import { setTimeout as delay } from "node:timers/promises";
import type { PluginPolicy } from "../host/policy/module-policy.ts";
import { policyWarnings } from "../host/policy/policy-warnings.ts";
import { describePolicyProblems, openPolicyFile, type PolicyFile } from "../host/policy/policy-file.ts";
import { separatesUsers } from "../host/worker/process-user.ts";
import type { AppOptions } from "../http/app.ts";
import { createModuleLives } from "../http/page/module-lives.ts";
import type { ReloadReport } from "../http/routes/reload-route.ts";
import { createModuleLog } from "../logging/module-log.ts";
import { createGateway, type GatewayOptions } from "../mcp/calls/gateway.ts";
import { createStartup } from "../mcp/calls/startup.ts";
import { createCollector } from "../metrics/collector.ts";
import { createCallWindow } from "../metrics/self/call-window.ts";
import { createHostMetrics } from "../metrics/self/host-metrics.ts";
import { lockStateDir } from "../state/state-lock.ts";
import { auditCalls } from "./call-audit.ts";
import { createCatalogUpdates } from "./catalog-updates.ts";
import { startTracing } from "../telemetry/start-tracing.ts";
import { tracedCollect } from "./traced-collect.ts";
import { createHostSampler } from "./host-sampler.ts";
import { createInstrumentation } from "./instrumentation.ts";
import { createListeners } from "./listeners.ts";
import { createModuleEvents } from "./module-events.ts";
import { observeCalls } from "./observe-calls.ts";
import { openAccess } from "./open-access.ts";
import { createRequestLog } from "./request-log.ts";
import { createReload, type Reloadable } from "./reload.ts";
import {
	hostPaths,
	openAggregate,
	openCatalog,
	openHost,
	openMcp,
	BUILD_REVISION,
	SERVER_INFO,
	type ServerOptions,
} from "./parts.ts";

/** A host that answers. */
export interface RunningServer {
	readonly url: string;
	/** Of `METRICS_PORT`. */
	readonly metricsUrl: string | undefined;
	/** Modules that were found at the start. */
	readonly moduleCount: number;
	/** Reads the policy again and opens log files again, as SIGHUP does. */
	reload(): Promise<ReloadReport>;
	/** Stops accepting, lets running calls finish within `SHUTDOWN_TIMEOUT_MS`, then stops every module. Safe to call twice. */
	close(): Promise<void>;
}

/**
 * Composes a host and listens; resolves when every module has started once or has failed to.
 *
 * Each step only uses what the steps before it have made, and registers at once how that is released. What is open is
 * closed in reverse order, when the server is closed and when a step throws.
 *
 * @throws {BulkheadError} PORT_IN_USE, CONFIG_INVALID
 */
export async function startServer(given: ServerOptions): Promise<RunningServer> {
	const { log, modules: moduleLog } = createModuleLog(given.log);
	const options = { ...given, log };
	const { config, env = {} } = options;
	const startedAt = Date.now();
	await using opened = new AsyncDisposableStack();

	const stateLock = await lockStateDir(config.stateDir, separatesUsers(), (what) => log.warn(what));
	opened.defer(stateLock.release);

	const sampler = createHostSampler();
	const metrics = createHostMetrics({
		version: SERVER_INFO.version,
		revision: BUILD_REVISION,
		serverName: SERVER_INFO.name,
		now: Date.now,
		sample: sampler.sample,
	});
	const instrumentation = createInstrumentation(metrics);
	if (options.restarts !== undefined) instrumentation.hostRestarts(options.restarts);

	const tracing = await startTracing({
		env,
		serviceVersion: SERVER_INFO.version,
		onProblem: (what) => log.warn(what),
	});
	if (tracing !== undefined) opened.defer(tracing.stop);
	const requestLog = createRequestLog({ ...config, log });
	const observe: GatewayOptions["observe"] = (request) => {
		const ends = [instrumentation.request(request), requestLog.request(request)];
		return (outcome) => {
			for (const end of ends) end(outcome);
		};
	};

	const policyFile = openPolicyFile({
		path: config.pluginsFile,
		required: env["PLUGINS_FILE"] !== undefined,
		protectedPaths: hostPaths(config),
	});
	opened.defer(policyFile.close);

	const hostPorts: number[] = [];
	const aggregate = await openAggregate(options, { policyFile, metrics, instrumentation, opened });
	const catalog = await openCatalog(options, {
		instrumentation,
		opened,
		onLapsed: (lists) => updates.lapsed(lists),
	});
	const host = openHost(options, { policyFile, hostPorts: () => hostPorts, opened });
	const collector = createCollector({
		host: tracing === undefined ? host : { ...host, collect: tracedCollect(host, tracing) },
		aggregate,
		intervalMs: config.collectIntervalMs,
		timeoutMs: config.collectTimeoutMs,
		onCollected: instrumentation.collected,
	});
	const access = openAccess(config, log, { instrumentation, opened, versionOf: (id) => host.module(id)?.hash });
	const calls = createCallWindow(() => performance.now());
	const lives = createModuleLives(Date.now);
	const startup = createStartup({ isKept: catalog.has });
	const gateway = createGateway({
		host,
		catalog,
		startup,
		callTimeoutMs: (id) => policyFile.policy().of(id).callTimeoutMs ?? config.callTimeoutMs,
		callLimits(id) {
			const { concurrency, queue } = policyFile.policy().of(id);
			return { concurrency: concurrency ?? config.callConcurrency, capacity: queue ?? config.callQueue };
		},
		observe: observeCalls(auditCalls(observe, access.audit), calls),
		onHidden: instrumentation.hidden,
		tracer: tracing,
	});
	sampler.follow({ host, gateway, collector });
	const mcp = openMcp(options, { gateway, catalog, instrumentation, requestLog, observe, opened });
	const updates = createCatalogUpdates({ catalog, mcp, instrumentation });
	const reload = createReload([...reloadables(options, policyFile), ...access.reloadables], log);
	const stopping = new AbortController();
	const app: AppOptions = {
		config,
		serverInfo: SERVER_INFO,
		host,
		gateway,
		catalog,
		mcp,
		metrics: aggregate,
		collector,
		tracer: tracing,
		observeRequest: {
			observe(response) {
				instrumentation.http.observe(response);
				requestLog.http.observe(response);
			},
		},
		log,
		startedAt,
		stopping: stopping.signal,
		moduleLog,
		reload,
		access: access.access,
		responseHeaders: access.responseHeaders,
		showsModules: access.showsModules,
		calls,
		lives,
		details: (id) => ({
			collection: aggregate.report(id) ?? null,
			offers: catalog.counts(id),
			conflicts: catalog.conflicts(id),
			rejected_entries: catalog.rejected(id),
			warnings: catalog.warnings(id),
		}),
	};
	const listeners = createListeners(config, app, instrumentation.connections, access.tls);
	access.onTlsChange(listeners.setTls);
	opened.defer(listeners.close);
	const warnOfPolicy = (policy: PluginPolicy): void => {
		const ids = host.modules().map(({ id }) => id);
		for (const warning of policyWarnings(policy, ids, env)) log.warn(`${config.pluginsFile}: ${warning}`);
	};
	policyFile.watch({
		onChange(policy) {
			instrumentation.policyReloaded();
			log.info(`${config.pluginsFile} has changed and is in force`, { mcp_event: "policy_change" });
			host.setPolicy(policy);
			if (host.ready()) warnOfPolicy(policy); // else once it is known which modules there are
		},
		onInvalid(problems) {
			instrumentation.policyRefused(problems.length);
			log.error(`${describePolicyProblems(config.pluginsFile, problems)}\nThe policy before stays in force.`, {
				mcp_event: "policy_refused",
			});
		},
	});

	const { url, metricsUrl } = await listeners.listen();
	// Before any module starts.
	for (const own of [url, metricsUrl]) if (own !== undefined) hostPorts.push(Number(new URL(own).port) || HTTP_PORT);
	// First of all on the way down: what runs may finish, in a host that takes nothing new and still has all of its parts.
	opened.defer(async () => {
		stopping.abort();
		listeners.drain();
		if (config.shutdownDelayMs > 0) await delay(config.shutdownDelayMs);
		const until = performance.now() + config.shutdownTimeoutMs;
		await listeners.stopAccepting(Math.min(MAX_LINGER_MS, config.shutdownTimeoutMs / 10));
		policyFile.close();
		await collector.stop();
		await host.stop(Math.max(0, until - performance.now()));
		await mcp.close(); // its streams end, and with them the last answers that the listener waits for
	});
	const isCollected = config.metricsEndpointEnabled && config.prometheusRegistryEnabled;
	await host.start({
		onDiscovered: startup.discovered,
		onEvent: createModuleEvents({
			collector: isCollected ? collector : undefined,
			gateway,
			catalog,
			mcp,
			updates,
			startup,
			moduleLog,
			instrumentation,
			page: {
				heard(id, event) {
					lives.heard(id, event, host.module(id)?.hash);
					if (event.type === "removed") calls.removed(id);
				},
			},
		}),
	});
	const moduleIds = host.modules().map(({ id }) => id);
	aggregate.retain(moduleIds);
	updates.sealed(moduleIds);
	startup.over();
	warnOfPolicy(policyFile.policy());

	const running = opened.move();
	let closing: Promise<void> | undefined;
	return {
		url,
		metricsUrl,
		moduleCount: moduleIds.length,
		reload,
		close: () => (closing ??= running.disposeAsync()),
	};
}

/** Which a URL does not name. */
const HTTP_PORT = 80;

/** How long idle connections are kept at the most when the host stops: a request on its way takes less. */
const MAX_LINGER_MS = 1000;

function reloadables({ config, reopenLog }: ServerOptions, policyFile: PolicyFile): readonly Reloadable[] {
	const policy = {
		what: config.pluginsFile,
		reload: () => policyFile.reload().map(({ line, column, path, message }) => `${line}:${column} ${path} ${message}`),
	};
	return config.logFile === undefined || reopenLog === undefined
		? [policy]
		: [policy, reopening(config.logFile, reopenLog)];
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
