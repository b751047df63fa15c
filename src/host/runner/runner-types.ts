import type { LogLevel } from "../../../workers/contract.ts";
import type { StartDto, StartedDto } from "../../../workers/wire/messages.ts";
import type { CompiledModule } from "../compile/compiler.ts";
import type { ModuleProblem } from "./error-location.ts";
import type { ModuleState } from "./lifecycle.ts";
import type { MemoryBytes, ModuleWorker } from "../worker/worker.ts";
import type { WorkOutcome, WorkType } from "./rpc-errors.ts";
import type { RestartReason } from "./restart-policy.ts";
import type { StartGate } from "./start-limiter.ts";
import type { WorkerWatch } from "../watch/worker-watch.ts";
import type { CatalogDto } from "../../../workers/wire/catalog.ts";
import type { RunnerSettings } from "../policy/module-settings.ts";

export interface RunnerOptions {
	readonly id: string;
	/** What holds for the next start, and for the calls from now on. */
	readonly settings: () => RunnerSettings;
	/** Writes what is missing of the module's bundles: the state folder may be deleted at any time. */
	readonly restoreBundles: () => Promise<void>;
	readonly startWorker: (compiled: CompiledModule, generation: number) => ModuleWorker;
	/** What of the start message the operator's policy decides. */
	readonly sandbox: (compiled: CompiledModule) => Pick<StartDto, "sandbox" | "trustedPaths" | "redirects">;
	readonly startGate: StartGate;
	readonly watch: WorkerWatch;
	readonly serverInfo: { readonly name: string; readonly version: string };
	readonly listeners: RunnerListeners;
	/** Uniform in [0, 1). */
	readonly random: () => number;
	/** The folder that file names in problems are relative to. */
	readonly displayRoot: string;
}

/** What the rest of the host is told. No listener may throw. */
export interface RunnerListeners {
	onState(state: ModuleState): void;
	onStart(outcome: "success" | "failure", durationMs: number): void;
	onServing(generation: number, started: StartedDto, catalog: CatalogDto | undefined): void;
	onRelisted(catalog: CatalogDto): void;
	onResourceUpdated(uri: string): void;
	/** A notification for a session, as JSON text of `{method, params}`. */
	onPushed(session: string, json: string): void;
	onTaskChanged(taskId: string): void;
	/** A worker has answered a request that it was given, or it was given up. */
	onWorked(work: WorkType, outcome: WorkOutcome, durationMs: number): void;
	onRestart(reason: RestartReason): void;
	onStopped(outcome: "graceful" | "killed"): void;
	/** A thread could not be ended and was given up: it is stuck in native code. */
	onAbandoned(): void;
	onLog(level: LogLevel, text: string): void;
	onProblem(what: string): void;
}

export interface RunnerStatus {
	readonly state: ModuleState;
	/** Number of the generation that serves, or that served last. */
	readonly generation: number;
	readonly hash: string | undefined;
	readonly startedAt: number | undefined;
	readonly restarts: Readonly<Partial<Record<RestartReason, number>>>;
	readonly lastRestart:
		| { readonly reason: RestartReason; readonly at: number; readonly problem: ModuleProblem }
		| undefined;
	/** When the next attempt to start is due, in milliseconds since the epoch. */
	readonly nextAttemptAt: number | undefined;
	/** Why the newest version of the file does not serve. */
	readonly loadError: ModuleProblem | undefined;
	readonly pendingCalls: number;
	/** Of the worker that serves; undefined where none does. */
	readonly usage: WorkerUsage | undefined;
}

/** What a worker takes of the machine. */
export interface WorkerUsage {
	/** Empty until it has been looked at. */
	readonly memoryBytes: MemoryBytes;
	/** The share of time that its event loop was busy of late, 0 to 1. */
	readonly eventLoopUtilization: number;
}
