import type { NoticeMessage, StartDto, StartedDto } from "../../../workers/wire/messages.ts";
import type { CompiledModule } from "../compile/compiler.ts";
import type { ModuleProblem } from "./error-location.ts";
import type { ModuleLine } from "./module-line.ts";
import type { ModuleState } from "./module-state.ts";
import type { ModuleRequests } from "./requests.ts";
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
	/** Must not throw. */
	readonly onEvent: (event: ModuleEvent) => void;
	/** Uniform in [0, 1). */
	readonly random: () => number;
	/** The folder that file names in problems are relative to. */
	readonly displayRoot: string;
}

/** What happens in the life of a module. */
export type ModuleEvent =
	| { readonly type: "entered"; readonly state: ModuleState }
	| { readonly type: "startTried"; readonly outcome: "success" | "failure"; readonly durationMs: number }
	/** A generation serves from now on, and this is what it offers; without an MCP server it has no catalog. */
	| {
			readonly type: "serving";
			readonly generation: number;
			readonly started: StartedDto;
			readonly catalog: CatalogDto | undefined;
	  }
	| { readonly type: "catalogChanged"; readonly catalog: CatalogDto }
	/** A worker has answered a request that it was given, or it was given up. */
	| { readonly type: "worked"; readonly work: WorkType; readonly outcome: WorkOutcome; readonly durationMs: number }
	| { readonly type: "restarted"; readonly reason: RestartReason }
	| { readonly type: "stopped"; readonly outcome: "graceful" | "killed" }
	/** A thread could not be ended and was given up: it is stuck in native code. */
	| { readonly type: "abandoned" }
	/** A sentence about it for the log: something went wrong. */
	| { readonly type: "warned"; readonly text: string; readonly mcpEvent?: "module_failed" }
	/** Another version of the file serves in the place of the one before. */
	| { readonly type: "reloaded"; readonly version: string }
	| { readonly type: "lineWritten"; readonly line: ModuleLine }
	/** What a worker says without being asked goes on as it is; of `pushed` nothing is checked. */
	| Exclude<NoticeMessage, { readonly type: "relisted" | "logged" }>;

/** Keeps one module running: starts, replaces, restarts and stops its generations. */
export interface ModuleRunner extends ModuleRequests {
	readonly id: string;
	/** Starts a new version beside the running one, which serves until the new one does. */
	deploy(compiled: CompiledModule): void;
	/** The module is disabled, and its newest version, if it compiles, is for when it is enabled. */
	hold(compiled?: CompiledModule): void;
	/** Ends what runs, letting running requests finish within the deadline, and starts nothing until `enable`. */
	disable(deadlineMs: number): void;
	enable(reason: "manual" | "policy"): void;
	/** Starts the same version anew beside the running one: its settings have changed, or somebody asked for it. */
	restart(reason: "manual" | "policy"): void;
	/** The newest version does not compile; or, undefined, the problem is gone and the running version is the newest. */
	setLoadError(problem: ModuleProblem | undefined): void;
	/** Whether the last collection went wrong: the difference between running and degraded. */
	setCollectFailed(failed: boolean): void;
	/** Resolves when the module has started once, or has failed to. */
	settled(): Promise<void>;
	status(): RunnerStatus;
	/** Hashes of the bundles that may still be started. */
	hashes(): readonly string[];
	/** Lets running requests finish within the deadline, then ends everything; what is disabled already has its own. Safe before a start, and twice. */
	stop(deadlineMs: number): Promise<void>;
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
	/** Processor time that it has taken, in seconds; undefined where that is not known. */
	readonly cpuSeconds?: number | undefined;
	/** The share of time that its event loop was busy of late, 0 to 1. */
	readonly eventLoopUtilization: number;
}
