import type { LogLevel } from "../../workers/contract.ts";
import type { AnswerDto, CallDto, CatalogDto, StartedDto } from "../../workers/protocol.ts";
import { BulkheadError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { Compiler } from "./compiler.ts";
import type { CallOptions } from "./generation.ts";
import type { ModuleKind } from "./module-id.ts";
import type { ModuleSource, RefusedFile } from "./module-listing.ts";
import { createModuleRunner, type ModuleRunner, type RunnerLimits, type RunnerStatus } from "./module-runner.ts";
import { startThread } from "./module-thread.ts";
import { createWorkerWatch } from "./worker-watch.ts";
import { createModuleSources, type SourceEvent } from "./module-sources.ts";
import type { ModuleState } from "./module-state.ts";
import type { RestartReason } from "./restart-policy.ts";

export interface HostOptions {
	readonly folders: Readonly<Record<ModuleKind, string>>;
	/** Absolute paths of the two worker entries. */
	readonly workerEntries: Readonly<Record<ModuleKind, string>>;
	readonly compiler: Compiler;
	readonly serverInfo: { readonly name: string; readonly version: string };
	readonly limits: RunnerLimits;
	readonly displayRoot: string;
	readonly log: Logger;
	readonly listeners: HostListeners;
}

/** What happens to modules, for those who count, list or show it. No listener may throw. */
export interface HostListeners {
	onAdded(id: string): void;
	onRemoved(id: string): void;
	onState(id: string, state: ModuleState): void;
	onStart(id: string, outcome: "success" | "failure", durationMs: number): void;
	onStopped(id: string, outcome: "graceful" | "killed"): void;
	onAbandoned(id: string): void;
	onServing(id: string, started: StartedDto, catalog: CatalogDto | undefined): void;
	onRelisted(id: string, catalog: CatalogDto): void;
	onResourceUpdated(id: string, uri: string): void;
	onRestart(id: string, reason: RestartReason): void;
}

export interface ModuleStatus extends RunnerStatus {
	readonly id: string;
	/** The file it is loaded from, relative to the folder that holds the module folders. */
	readonly file: string;
}

/** All modules: what is in the folders, compiled, each kept running in a worker of its own. */
export interface Host {
	/** Resolves when every module has started once or has failed to. */
	start(): Promise<void>;
	/** Stops every module, letting running calls finish until the deadline. Safe before start, and twice. */
	stop(deadlineMs: number): Promise<void>;
	/** Whether every module has started once or has failed to. */
	ready(): boolean;
	modules(): readonly ModuleStatus[];
	module(id: string): ModuleStatus | undefined;
	/** @throws {BulkheadError} always within the deadline */
	call(id: string, call: CallDto, options: CallOptions): Promise<AnswerDto>;
	/** @throws {BulkheadError} always within the deadline */
	collect(
		id: string,
		timeoutMs: number,
	): Promise<{ readonly generation: number; readonly snapshot: Uint8Array | undefined }>;
	setCollectFailed(id: string, failed: boolean): void;
	/** Files in the module folders that are not loaded, and why. */
	refused(): readonly RefusedFile[];
}

interface HostedModule {
	readonly runner: ModuleRunner;
	readonly file: string;
}

/** More than any module may hold within the limits, and less than what hurts the machine. */
const RSS_RISE_BYTES = 512 << 20;

export function createHost(options: HostOptions): Host {
	const { listeners, log, compiler } = options;
	const modules = new Map<string, HostedModule>();
	const stoppedRunners = new Set<Promise<void>>();
	const watch = createWorkerWatch({ rss: () => process.memoryUsage.rss(), rssRiseBytes: RSS_RISE_BYTES });
	let ready = false;
	const sources = createModuleSources({ folders: options.folders, compiler, log, onEvent });

	function onEvent(event: SourceEvent): void {
		switch (event.type) {
			case "compiled":
				hosted(event.source).runner.deploy(event.compiled);
				return compiler.retain(event.source.id, hosted(event.source).runner.hashes());
			case "repaired":
				return hosted(event.source).runner.setLoadError(undefined);
			case "failed": {
				const [problem] = event.problems;
				if (problem !== undefined) {
					log.warn(`${problem.file}:${problem.line}:${problem.column} ${problem.message}`, { module: event.source.id });
				}
				return hosted(event.source).runner.setLoadError(problem);
			}
			case "removed":
				return remove(event.id);
			case "refused":
				return log.warn(event.problem, { file: event.file });
		}
	}

	function hosted(source: ModuleSource): HostedModule {
		const known = modules.get(source.id);
		if (known !== undefined && known.file === source.file) return known;
		const module =
			known === undefined ? { file: source.file, runner: createRunner(source) } : { ...known, file: source.file };
		modules.set(source.id, module);
		return module;
	}

	function createRunner({ id, kind }: ModuleSource): ModuleRunner {
		const moduleLog = log.child({ module: id });
		listeners.onAdded(id);
		return createModuleRunner({
			id,
			startWorker: () => startThread({ entry: options.workerEntries[kind], env: {} }),
			watch,
			serverInfo: options.serverInfo,
			limits: options.limits,
			displayRoot: options.displayRoot,
			random: Math.random,
			listeners: {
				onState: (state) => {
					moduleLog.info(`${id} is ${state}`);
					listeners.onState(id, state);
				},
				onStart: (outcome, durationMs) => listeners.onStart(id, outcome, durationMs),
				onStopped: (outcome) => listeners.onStopped(id, outcome),
				onAbandoned: () => listeners.onAbandoned(id),
				onServing: (started, catalog) => listeners.onServing(id, started, catalog),
				onRelisted: (catalog) => listeners.onRelisted(id, catalog),
				onResourceUpdated: (uri) => listeners.onResourceUpdated(id, uri),
				onRestart: (reason) => listeners.onRestart(id, reason),
				onLog: (level: LogLevel, text) => moduleLog[level](text),
				onProblem: (what) => moduleLog.warn(`${id}: ${what}`),
			},
		});
	}

	function remove(id: string): void {
		const module = modules.get(id);
		if (module === undefined) return;
		modules.delete(id);
		listeners.onRemoved(id);
		const stopped = module.runner.stop(options.limits.callTimeoutMs).finally(() => stoppedRunners.delete(stopped));
		stoppedRunners.add(stopped);
	}

	function required(id: string): ModuleRunner {
		const module = modules.get(id);
		if (module === undefined) throw new BulkheadError("MODULE_NOT_FOUND", `there is no module ${id}`);
		return module.runner;
	}

	const statusOf = (id: string, module: HostedModule): ModuleStatus => ({
		id,
		file: module.file,
		...module.runner.status(),
	});

	return {
		async start() {
			await sources.start();
			await Promise.all([...modules.values()].map((module) => module.runner.settled()));
			ready = true;
		},
		async stop(deadlineMs) {
			await sources.stop();
			await Promise.all([...[...modules.values()].map((module) => module.runner.stop(deadlineMs)), ...stoppedRunners]);
			watch.stop();
			await compiler.stop();
		},
		ready: () => ready,
		modules: () => [...modules].map(([id, module]) => statusOf(id, module)).toSorted((a, b) => (a.id < b.id ? -1 : 1)),
		module: (id) => {
			const module = modules.get(id);
			return module === undefined ? undefined : statusOf(id, module);
		},
		call: async (id, call, callOptions) => required(id).call(call, callOptions),
		collect: async (id, timeoutMs) => required(id).collect(timeoutMs),
		setCollectFailed: (id, failed) => modules.get(id)?.runner.setCollectFailed(failed),
		refused: () => sources.refused(),
	};
}
