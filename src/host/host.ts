import { availableParallelism } from "node:os";
import { getHeapStatistics } from "node:v8";
import type { AnswerDto, CallDto } from "../../workers/wire/messages.ts";
import { BulkheadError, messageOf } from "../core/errors.ts";
import type { Logger } from "../logging/logger.ts";
import { logModuleEvent } from "./event-log.ts";
import type { Compiler } from "./compile/compiler.ts";
import type { CallOptions } from "./runner/generation.ts";
import type { ModuleKind } from "../core/module-id.ts";
import type { HostListener, OnHostEvent } from "./host-events.ts";
import type { ModuleSource, RefusedFile } from "./sources/listing.ts";
import type { CollectedSnapshot } from "./runner/requests.ts";
import { heapMemory } from "./worker/worker.ts";
import { createModuleRunner } from "./runner/runner.ts";
import { createModuleSources, type SourceEvent } from "./sources/module-sources.ts";
import type { ModulePolicy, PluginPolicy } from "./policy/module-policy.ts";
import type { ModuleEvent, ModuleRunner, RunnerStatus, WorkerUsage } from "./runner/runner-types.ts";
import type { WorkerFactory } from "./worker/worker-factory.ts";
import { createStartGate } from "./runner/start-limiter.ts";
import { createRssReader } from "./watch/rss-growth.ts";
import { createWorkerWatch } from "./watch/worker-watch.ts";
import { type RunnerSettings, settingsOf, wanted } from "./policy/module-settings.ts";
import type { Isolation } from "./worker/worker.ts";

export interface HostOptions {
	readonly folders: Readonly<Record<ModuleKind, string>>;
	readonly workers: WorkerFactory;
	readonly compiler: Compiler;
	readonly policy: PluginPolicy;
	/** What holds where the policy says nothing. */
	readonly settings: RunnerSettings;
	readonly serverInfo: { readonly name: string; readonly version: string };
	readonly displayRoot: string;
	readonly log: Logger;
}

export interface ModuleStatus extends RunnerStatus {
	readonly id: string;
	/** The file it is loaded from, relative to the folder that holds the module folders. */
	readonly file: string;
	readonly policy: ModulePolicy;
	/** What it runs in: what the policy says, or a process where a thread has proved too weak. */
	readonly isolation: Isolation;
}

/** All modules: what is in the folders, compiled, each kept running in a worker of its own. */
export interface Host {
	/**
	 * Resolves when every module has started once or has failed to.
	 *
	 * @param listener told of what happens to modules, of which there are none before
	 */
	start(listener: HostListener): Promise<void>;
	/** Stops every module, letting running calls finish until the deadline. Safe before start, and twice. */
	stop(deadlineMs: number): Promise<void>;
	/** Whether every module has started once or has failed to. */
	ready(): boolean;
	modules(): readonly ModuleStatus[];
	module(id: string): ModuleStatus | undefined;
	/** What the host's own thread takes. */
	usage(): WorkerUsage;
	/** Files in the module folders that are not loaded, and why. */
	refused(): readonly RefusedFile[];
	/** @throws {BulkheadError} always within the deadline */
	call(id: string, call: CallDto, options: CallOptions): Promise<AnswerDto>;
	/** @throws {BulkheadError} always within the deadline */
	collect(id: string, timeoutMs: number): Promise<CollectedSnapshot>;
	setCollectFailed(id: string, failed: boolean): void;
	/**
	 * What an operator does to a module by hand. Disabled by hand, it stays so until it is enabled or the host starts again;
	 * what the policy disables cannot be enabled by hand.
	 *
	 * @returns why it cannot be done now; undefined: it is on its way
	 * @throws {BulkheadError} MODULE_NOT_FOUND
	 */
	steer(id: string, action: "restart" | "enable" | "disable"): string | undefined;
	/** Puts another policy in force: modules whose part of it changed are restarted, and no other. */
	setPolicy(policy: PluginPolicy): void;
}

interface HostedModule {
	readonly runner: ModuleRunner;
	readonly source: ModuleSource;
}

/** More than any module may hold within the limits, and less than what hurts the machine. */
const RSS_RISE_BYTES = 512 << 20;

/** Starting is work for a processor most of the time, and takes a tenth of a second of it. */
const STARTS_PER_PROCESSOR = 2;
const START_COUNTS_FOR_MS = 500;

export function createHost(options: HostOptions): Host {
	const { log, compiler, workers } = options;
	let tell: OnHostEvent;
	const modules = new Map<string, HostedModule>();
	/** Modules that have started once, or have failed to. */
	const arrived = new Set<string>();
	const leaving = new Set<Promise<void>>();
	const watch = createWorkerWatch({ rss: createRssReader(), rssRiseBytes: RSS_RISE_BYTES });
	const startGate = createStartGate(STARTS_PER_PROCESSOR * availableParallelism(), START_COUNTS_FOR_MS);
	let { policy } = options;
	/** Modules that were disabled by hand. */
	const heldBack = new Set<string>();
	const isEnabled = (id: string): boolean => policy.of(id).enabled && !heldBack.has(id);
	let ready = false;
	const sources = createModuleSources({
		folders: options.folders,
		compiler,
		log,
		onEvent,
		isArriving: (id) => !arrived.has(id),
	});

	function onEvent(event: SourceEvent): void {
		switch (event.type) {
			case "compiled": {
				if (ready) workers.cleared(event.source.id); // what was found at the start is what ran before
				const { runner } = hosted(event.source);
				if (isEnabled(event.source.id)) runner.deploy(event.compiled);
				else runner.hold(event.compiled);
				return compiler.retain(event.source.id, runner.hashes());
			}
			case "repaired":
				return hosted(event.source).runner.setLoadError(undefined);
			case "failed": {
				const [problem] = event.problems;
				for (const { file, line, column, message } of event.problems) {
					log.warn(`${file}:${line}:${column} ${message}`, { mcp_event: "module_failed", module: event.source.id });
				}
				const { runner } = hosted(event.source);
				runner.setLoadError(problem);
				if (!isEnabled(event.source.id)) runner.hold();
				return;
			}
			case "removed":
				return remove(event.id, event.heirs);
			case "refused":
				return log.warn(event.problem, { file: event.file });
		}
	}

	function hosted(source: ModuleSource): HostedModule {
		const known = modules.get(source.id)?.runner;
		const module = { runner: known ?? createRunner(source), source };
		modules.set(source.id, module);
		if (known === undefined) void module.runner.settled().then(() => arrived.add(source.id));
		return module;
	}

	function createRunner(source: ModuleSource): ModuleRunner {
		const { id } = source;
		const moduleLog = log.child({ module: id });
		tell(id, { type: "added" });
		return createModuleRunner({
			id,
			settings: () => settingsOf(policy.of(id), options.settings),
			restoreBundles: () =>
				compiler
					.restore(id)
					.catch((error: unknown) => log.warn(`compiled modules cannot be written again: ${messageOf(error)}`)),
			startWorker: (compiled, generation) =>
				workers.start({
					source: modules.get(id)?.source ?? source,
					generation,
					compiled,
					policy: policy.of(id),
					settings: settingsOf(policy.of(id), options.settings),
					onOutput: (line) => moduleLog.info(line, { mcp_event: "module_log" }),
				}),
			sandbox: (compiled) => workers.sandbox(compiled, policy.of(id)),
			startGate,
			watch,
			serverInfo: options.serverInfo,
			displayRoot: options.displayRoot,
			random: Math.random,
			onEvent: (event) => hear(id, moduleLog, event),
		});
	}

	function hear(id: string, moduleLog: Logger, event: ModuleEvent): void {
		logModuleEvent(moduleLog, id, event);
		switch (event.type) {
			case "lineWritten":
			case "warned":
			case "reloaded":
				return;
			case "stopped":
				retainBundles(id);
				return tell(id, event);
			case "abandoned":
				workers.wallOff(id);
				return tell(id, event);
			case "serving":
				workers.running(id, event.generation, policy.of(id));
				tell(id, { ...event, started: wanted(event.started, policy.of(id)) });
				return tell(id, { type: "isolated", isolation: workers.isolationOf(id, policy.of(id)) });
			default:
				tell(id, event);
		}
	}

	function retainBundles(id: string): void {
		const runner = modules.get(id)?.runner;
		if (runner !== undefined) compiler.retain(id, runner.hashes());
	}

	function remove(id: string, heirs: readonly string[]): void {
		const module = modules.get(id);
		if (module === undefined) return;
		modules.delete(id);
		arrived.delete(id);
		heldBack.delete(id);
		tell(id, { type: "removed", heirs });
		const left = module.runner
			.stop(settingsOf(policy.of(id), options.settings).callTimeoutMs)
			.finally(() => leaving.delete(left));
		leaving.add(left);
	}

	function required(id: string): ModuleRunner {
		const module = modules.get(id);
		if (module === undefined) throw new BulkheadError("MODULE_NOT_FOUND", `there is no module ${id}`);
		return module.runner;
	}

	function steer(id: string, action: "restart" | "enable" | "disable"): string | undefined {
		const runner = required(id);
		if (action === "disable") {
			if (isEnabled(id)) runner.disable(settingsOf(policy.of(id), options.settings).callTimeoutMs);
			heldBack.add(id);
			return undefined;
		}
		if (!policy.of(id).enabled) return `plugins.yaml has \`enabled: false\` for ${id}: change it there`;
		if (action === "enable") {
			if (heldBack.delete(id)) runner.enable("manual");
			return undefined;
		}
		if (heldBack.has(id)) return `${id} is disabled: enable it`;
		runner.restart("manual");
		return undefined;
	}

	const statusOf = ({ runner, source }: HostedModule): ModuleStatus => ({
		id: source.id,
		file: source.file,
		policy: policy.of(source.id),
		isolation: workers.isolationOf(source.id, policy.of(source.id)),
		...runner.status(),
	});

	return {
		async start({ onEvent: onHostEvent, onDiscovered }) {
			tell = onHostEvent;
			await sources.start();
			onDiscovered();
			await Promise.all([...modules.values()].map(({ runner }) => runner.settled()));
			ready = true;
		},
		async stop(deadlineMs) {
			workers.closing();
			await sources.stop();
			await Promise.all([...[...modules.values()].map(({ runner }) => runner.stop(deadlineMs)), ...leaving]);
			watch.stop();
			workers.close();
			await compiler.stop();
		},
		ready: () => ready,
		modules: () => [...modules.values()].map(statusOf).toSorted((a, b) => (a.id < b.id ? -1 : 1)),
		module: (id) => {
			const module = modules.get(id);
			return module === undefined ? undefined : statusOf(module);
		},
		usage: () => ({
			memoryBytes: heapMemory(getHeapStatistics()).bytes,
			eventLoopUtilization: watch.ownUtilization(),
		}),
		refused: () => sources.refused(),
		call: async (id, call, callOptions) => required(id).call(call, callOptions),
		collect: async (id, timeoutMs) => required(id).collect(timeoutMs),
		setCollectFailed: (id, failed) => modules.get(id)?.runner.setCollectFailed(failed),
		steer,
		setPolicy(changed) {
			const before = policy;
			policy = changed;
			for (const [id, { runner }] of modules) {
				const now = changed.of(id);
				if (heldBack.has(id) || JSON.stringify(now) === JSON.stringify(before.of(id))) continue;
				if (!now.enabled) runner.disable(settingsOf(before.of(id), options.settings).callTimeoutMs);
				else if (before.of(id).enabled) runner.restart("policy");
				else runner.enable("policy");
			}
		},
	};
}
