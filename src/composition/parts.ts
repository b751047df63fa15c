import type { Logger } from "../logging/logger.ts";
import type { LastEnd, RestartCounts } from "../launch/launch-contract.ts";
import type { Environment, HostConfig } from "../config/config.ts";
import { readFileSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import packageJson from "bulkhead-host/package.json" with { type: "json" };
import { messageOf } from "../core/errors.ts";
import { readBundledLibraries } from "../host/packages/bundled-libraries.ts";
import { createCompiler } from "../host/compile/compiler.ts";
import { createHost, type Host } from "../host/host.ts";
import type { PolicyFile } from "../host/policy/policy-file.ts";
import { createWorkerFactory } from "../host/worker/worker-factory.ts";
import type { Gateway, GatewayOptions } from "../mcp/calls/gateway.ts";
import { type Catalog, type CatalogOptions, createCatalog, MAX_LISTED } from "../mcp/catalog/catalog.ts";
import { createKeptCatalog } from "../mcp/catalog/kept-catalog.ts";
import { MCP_OWNERS } from "../mcp/catalog/name-owner-format.ts";
import { createMcpEndpoint, type McpEndpoint } from "../mcp/endpoint.ts";
import { SESSION_MESSAGE_DROPS } from "../mcp/sessions/session-messages.ts";
import { createMetricsAggregate, type MetricsAggregate } from "../metrics/aggregate.ts";
import { clearCounterStore } from "../metrics/counters/persistence.ts";
import { newsEvent, newsFields, newsLine } from "../metrics/drops/log-lines.ts";
import { startIntake } from "../metrics/ingest/start-ingest.ts";
import type { HostMetrics } from "../metrics/self/host-metrics.ts";
import { createOwnerKeeper } from "../state/owner-store.ts";
import { describeUnlisted } from "../../workers/wire/catalog.ts";
import { DEFAULT_SNAPSHOT_LIMITS } from "../../workers/snapshot/limits.ts";
import type { RequestLog } from "./request-log.ts";
import type { Instrumentation } from "./instrumentation.ts";

export interface ServerOptions {
	readonly config: HostConfig;
	readonly log: Logger;
	/** Opens the log's files again. */
	readonly reopenLog?: () => void;
	/** The host's environment, of which a policy grants variables to modules. */
	readonly env?: Environment;
	readonly restarts?: RestartCounts;
	/** How the host before this one ended, where a supervisor has seen it. */
	readonly lastEnd?: LastEnd;
	/** Whether tool calls may be answered without the SDK in between; `false` is for comparing the two ways. */
	readonly directCalls?: boolean;
}

/** The commit that dist/ was built from, which scripts/build.mjs writes there; `source` where it runs from its sources. */
export const BUILD_REVISION = readRevision();

export const SERVER_INFO = { name: "bulkhead", version: packageJson.version };

/** What is open: each part registers here how it is released. */
interface Opened {
	readonly opened: AsyncDisposableStack;
}

export async function openAggregate(
	{ config, log }: ServerOptions,
	parts: Opened & {
		readonly policyFile: PolicyFile;
		readonly metrics: HostMetrics;
		readonly instrumentation: Instrumentation;
	},
): Promise<MetricsAggregate> {
	const { policyFile, metrics, instrumentation, opened } = parts;
	if (!config.counterState) {
		await clearCounterStore(config.stateDir).catch((error: unknown) => log.warn(`old counters: ${messageOf(error)}`));
	}
	const intake = startIntake({
		hostFamilies: metrics.sources.flatMap(({ families }) => families),
		maxSeries: config.moduleMaxSeries,
		leaseMs: config.collectMaxAgeMs,
		stateDir: config.stateDir,
		counterState: config.counterState,
	});
	opened.defer(intake.stop);
	return createMetricsAggregate({
		intake,
		limitsOf: (id) => {
			const { maxSeries, maxLabels, maxLabelLength } = policyFile.policy().of(id);
			return {
				maxSeries: maxSeries ?? config.moduleMaxSeries,
				maxLabels: maxLabels ?? config.moduleMaxLabels,
				maxLabelLength: maxLabelLength ?? config.moduleMaxLabelLength,
			};
		},
		maxAgeMs: config.collectMaxAgeMs,
		now: Date.now,
		host: metrics.sources,
		onDrop: instrumentation.samplesDropped,
		onPageLookup: instrumentation.pageLookup,
		onNews(id, news) {
			const { level, message } = newsLine(id, news);
			log[level](message, { mcp_event: newsEvent(news), module: id, ...newsFields(news) });
		},
		onProblem: (what) => log.warn(what),
	});
}

export async function openCatalog(
	{ config, log }: ServerOptions,
	parts: Opened & { readonly instrumentation: Instrumentation; readonly onLapsed: CatalogOptions["onLapsed"] },
): Promise<Catalog> {
	const { instrumentation, opened, onLapsed = () => undefined } = parts;
	const owners = createOwnerKeeper({
		stateDir: config.stateDir,
		format: MCP_OWNERS,
		onProblem: (what) => log.warn(what),
	});
	const kept = createKeptCatalog({ stateDir: config.stateDir, onProblem: (what) => log.warn(what) });
	opened.defer(owners.close); // after the host: modules may change their lists while they stop
	opened.defer(kept.close);
	return createCatalog({
		kept: await owners.load(),
		onChange: owners.changed,
		keptOffers: await kept.load(),
		onOffers: kept.changed,
		leaseMs: config.collectMaxAgeMs,
		onLapsed,
		onConflict(id, { list, name, owner }) {
			instrumentation.nameConflict();
			log.warn(`${id}: ${list} ${name} is refused, ${owner} had the name first; rename one of them`, {
				mcp_event: "catalog",
				module: id,
			});
		},
		onListTooLong(id, length) {
			const what = `its template lists ${length} resources for a request, of which the first ${MAX_LISTED} are shown`;
			log.warn(`${id}: ${what}; list fewer`, { mcp_event: "catalog", module: id });
		},
		onRejected: (id, rejected) =>
			log.warn(`${id}: left out of the lists: ${describeUnlisted(rejected)}`, { module: id }),
		onWarning: (id, warning) => log.warn(`${id}: ${warning}`, { module: id }),
	});
}

/** What no module may be granted to write: the host's own files, and what it keeps. */
export function hostPaths(config: HostConfig): readonly string[] {
	const workers = dirname(workerEntry("mcp-worker"));
	const root = dirname(workers); // or dist/
	return [
		...(basename(root) === "dist" ? [root, join(dirname(root), "node_modules")] : [join(root, "src"), workers]),
		join(root, "node_modules"),
		...[config.stateDir, config.metricsDir, config.mcpsDir, config.pluginsFile],
		...(config.logFile === undefined ? [] : [config.logFile]),
		process.execPath,
		"/proc",
	];
}

export function openHost(
	{ config, log, env = {}, lastEnd }: ServerOptions,
	{
		policyFile,
		hostPorts,
		opened,
	}: Opened & { readonly policyFile: PolicyFile; readonly hostPorts: () => readonly number[] },
): Host {
	const libraries = readBundledLibraries(dirname(workerEntry("mcp-worker")));
	const workers = createWorkerFactory({
		entries: { metrics: workerEntry("metric-worker"), mcps: workerEntry("mcp-worker") },
		libraries,
		sandbox: config.sandbox,
		stateDir: config.stateDir,
		env,
		protectedPaths: hostPaths(config),
		hostPorts,
		lastEnd,
		onProblem: (what) => log.warn(what),
	});
	const host = createHost({
		folders: { metrics: config.metricsDir, mcps: config.mcpsDir },
		workers,
		compiler: createCompiler({
			stateDir: config.stateDir,
			log,
			bundledLibraries: libraries,
			maxBundleBytes: (id) => {
				const { bundleMb } = policyFile.policy().of(id);
				return bundleMb === undefined ? undefined : bundleMb * 1_048_576;
			},
			onCompiling: workers.compiling,
			suspected: workers.compiledAtDeath(),
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
	});
	opened.defer(() => host.stop(0));
	return host;
}

export function openMcp(
	{ config, log, directCalls }: ServerOptions,
	parts: Opened & {
		readonly gateway: Gateway;
		readonly catalog: Catalog;
		readonly instrumentation: Instrumentation;
		readonly requestLog: Pick<RequestLog, "session">;
		readonly observe: GatewayOptions["observe"];
	},
): McpEndpoint {
	const { gateway, catalog, instrumentation, requestLog, observe, opened } = parts;
	const mcp = createMcpEndpoint({
		gateway,
		catalog,
		serverInfo: SERVER_INFO,
		...(directCalls !== undefined && { directCalls }),
		observe,
		pageSize: config.listPageSize,
		sessionMax: config.sessionMax,
		sessionIdleTimeoutMs: config.sessionIdleTimeoutMs,
		...(config.requestStateKey !== undefined && { requestStateKey: config.requestStateKey }),
		onError: (error) => log.debug(`MCP: ${error.message}`),
		onSessions: instrumentation.sessions,
		onSessionChange: requestLog.session,
		onMessageDropped(id, reason, isFirst) {
			instrumentation.sessionMessageDropped(id, reason);
			if (isFirst)
				log.warn(`${id}: a message to a session was dropped: ${SESSION_MESSAGE_DROPS[reason]}`, { module: id });
		},
	});
	opened.defer(mcp.close);
	return mcp;
}

function readRevision(): string {
	try {
		return readFileSync(new URL("../../revision.txt", import.meta.url), "utf8").trim();
	} catch {
		return "source";
	}
}

/** Worker entries are run as what this file is: TypeScript from the sources, JavaScript from dist/. */
function workerEntry(name: string): string {
	return fileURLToPath(new URL(`../../workers/${name}${extname(import.meta.url)}`, import.meta.url));
}
