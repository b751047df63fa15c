import { readCatalog, type AnswerDto, type CallDto, type CatalogDto, type StartedDto } from "../../workers/protocol.ts";
import { RpcError } from "../../workers/rpc.ts";
import type { WireErrorDto } from "../../workers/wire-error.ts";
import type { LogLevel } from "../../workers/contract.ts";
import { BulkheadError } from "../errors.ts";
import type { CompiledModule } from "./compiler.ts";
import { type CallOptions, createGeneration, describeEnd, type Generation } from "./generation.ts";
import { locateError, type ModuleProblem } from "./module-problem.ts";
import { type ModuleState, transition } from "./module-state.ts";
import type { ModuleWorker, WorkerEnd } from "./module-worker.ts";
import { callError, collectError, describeStartFailure } from "./request-failure.ts";
import { planRestart, type RestartReason } from "./restart-policy.ts";
import { wakened } from "./wake-up.ts";
import type { WorkerWatch } from "./worker-watch.ts";

export interface RunnerOptions {
	readonly id: string;
	readonly startWorker: () => ModuleWorker;
	readonly watch: WorkerWatch;
	readonly serverInfo: { readonly name: string; readonly version: string };
	readonly limits: RunnerLimits;
	readonly listeners: RunnerListeners;
	readonly random: () => number;
	/** The folder that file names in problems are relative to. */
	readonly displayRoot: string;
}

/** All times in milliseconds. */
export interface RunnerLimits {
	readonly startTimeoutMs: number;
	readonly callTimeoutMs: number;
	readonly collectTimeoutMs: number;
	readonly hangTimeoutMs: number;
	readonly memoryBytes: number;
	readonly maxResultBytes: number;
	readonly maxSnapshotBytes: number;
	readonly maxSamples: number;
}

/** What the rest of the host is told. No listener may throw. */
export interface RunnerListeners {
	onState(state: ModuleState): void;
	onStart(outcome: "success" | "failure", durationMs: number): void;
	onServing(started: StartedDto, catalog: CatalogDto | undefined): void;
	onRelisted(catalog: CatalogDto): void;
	onResourceUpdated(uri: string): void;
	onRestart(reason: RestartReason): void;
	onStopped(outcome: "graceful" | "killed"): void;
	/** A thread could not be ended and was given up: it is stuck in native code. */
	onAbandoned(): void;
	onLog(level: LogLevel, text: string): void;
	onProblem(what: string): void;
}

export interface RunnerStatus {
	readonly state: ModuleState;
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
}

/** Keeps one module running: starts, replaces, restarts and stops its generations. */
export interface ModuleRunner {
	readonly id: string;
	/** Starts a new version beside the running one, which serves until the new one does. */
	deploy(compiled: CompiledModule): void;
	/** The newest version does not compile; or, undefined, the problem is gone and the running version is the newest. */
	setLoadError(problem: ModuleProblem | undefined): void;
	/** Whether the last collection went wrong: the difference between running and degraded. */
	setCollectFailed(failed: boolean): void;
	/** @throws {BulkheadError} */
	call(call: CallDto, options: CallOptions): Promise<AnswerDto>;
	/** @throws {BulkheadError} */
	collect(timeoutMs: number): Promise<{ readonly generation: number; readonly snapshot: Uint8Array | undefined }>;
	/** Resolves when the module has started once, or has failed to. */
	settled(): Promise<void>;
	restart(reason: RestartReason): void;
	status(): RunnerStatus;
	/** Hashes of the bundles that may still be started. */
	hashes(): readonly string[];
	stop(deadlineMs: number): Promise<void>;
}

/** After a request has run out of time, how long a healthy event loop may take to say that it turns. */
const RESPONSE_GRACE_MS = 1000;
const STOP_TIMEOUT_MS = 2000;

export function createModuleRunner(options: RunnerOptions): ModuleRunner {
	const { id, limits, listeners } = options;
	let state: ModuleState = "idle";
	let lastGeneration = 0;
	let current:
		| { readonly generation: Generation; readonly compiled: CompiledModule; readonly startedAt: number }
		| undefined;
	let candidate: Generation | undefined;
	let good: CompiledModule | undefined;
	let newest: CompiledModule | undefined;
	let loadError: ModuleProblem | undefined;
	let collectFailed = false;
	let failures = 0;
	let nextAttempt: { readonly timer: NodeJS.Timeout; readonly at: number } | undefined;
	let lastRestart: RunnerStatus["lastRestart"];
	let stopping: Promise<void> | undefined;
	const restarts: Partial<Record<RestartReason, number>> = {};
	const draining = new Set<Generation>();
	const waiting = new Set<() => void>();
	const settled = Promise.withResolvers<void>();

	function enter(to: ModuleState): void {
		if (to === state) return;
		state = transition(state, to, id);
		listeners.onState(state);
		for (const wake of [...waiting]) wake();
	}

	function showHealth(): void {
		if (current !== undefined && stopping === undefined)
			enter(loadError !== undefined || collectFailed ? "degraded" : "running");
	}

	async function launch(compiled: CompiledModule): Promise<void> {
		clearTimeout(nextAttempt?.timer);
		nextAttempt = undefined;
		void candidate?.kill("a newer version of the module was started");
		lastGeneration += 1;
		const worker = options.startWorker();
		const generation = createGeneration({
			number: lastGeneration,
			hash: compiled.hash,
			worker,
			start: {
				moduleId: id,
				bundlePath: compiled.bundlePath,
				clientPaths: compiled.clients.map((client) => client.path),
				serverInfo: options.serverInfo,
				limits: limits,
			},
			onEvent: (event) => {
				if (event.type === "logged") listeners.onLog(event.level, event.text);
				else if (current?.generation !== generation) return;
				else if (event.type === "updated") listeners.onResourceUpdated(event.uri);
				else {
					const catalog = readCatalog(event.json);
					if (catalog !== undefined) listeners.onRelisted(catalog);
				}
			},
			onViolation: (what) => listeners.onProblem(what),
		});
		candidate = generation;
		let endedFor: RestartReason | undefined;
		const unwatch = options.watch.add({
			memoryLimitBytes: limits.memoryBytes,
			hangTimeoutMs: () => (candidate === generation ? undefined : limits.hangTimeoutMs),
			idleMs: worker.idleMs,
			memoryUsage: worker.memoryUsage,
			responds: generation.responds,
			onTrouble: ({ reason, message }) => {
				if (current?.generation === generation) return void replace(generation, reason, message);
				endedFor = reason; // it is still starting, or finishing its last calls
				void end(generation, message);
			},
		});
		void generation.ended.then(unwatch);
		if (current === undefined) enter("starting");
		const begunAt = performance.now();
		try {
			const started = await generation.start(limits.startTimeoutMs);
			const catalog = started.catalog === undefined ? undefined : readCatalog(started.catalog);
			if (candidate !== generation) return;
			promote(generation, compiled, started, catalog);
			listeners.onStart("success", performance.now() - begunAt);
		} catch (error) {
			await end(generation, "the module did not start");
			if (candidate !== generation) return; // superseded, or the module is being stopped
			candidate = undefined;
			listeners.onStart("failure", performance.now() - begunAt);
			const ended = await generation.ended;
			const reason = endedFor ?? (ended.reason === "stopped" ? "crash" : ended.reason);
			failedToStart(compiled, describeStartFailure(error, ended, limits.startTimeoutMs), reason);
		}
		settled.resolve();
	}

	function promote(
		generation: Generation,
		compiled: CompiledModule,
		started: StartedDto,
		catalog: CatalogDto | undefined,
	): void {
		const previous = current;
		candidate = undefined;
		current = { generation, compiled, startedAt: Date.now() };
		good = compiled;
		if (compiled === newest) loadError = undefined;
		collectFailed = false;
		void generation.ended.then((outcome) => died(generation, outcome));
		listeners.onServing(started, catalog);
		showHealth();
		if (previous !== undefined) {
			count("reload");
			void drain(previous.generation);
		}
	}

	/** Lets the calls of a replaced generation finish, then stops it. */
	async function drain(generation: Generation): Promise<void> {
		draining.add(generation);
		await generation.drained(limits.callTimeoutMs);
		await generation.stop(STOP_TIMEOUT_MS);
		draining.delete(generation);
		listeners.onStopped("graceful");
	}

	function failedToStart(compiled: CompiledModule, error: WireErrorDto, reason: RestartReason): void {
		if (compiled === newest) loadError = locate(compiled, error);
		listeners.onProblem(`did not start: ${error.message}`);
		if (current === undefined) retryLater(reason, 0, locate(compiled, error));
		else showHealth();
	}

	function died(generation: Generation, outcome: WorkerEnd): void {
		if (current?.generation !== generation || outcome.reason === "stopped") return;
		listeners.onProblem(describeEnd(outcome));
		lose(outcome.reason, outcome.error);
	}

	/** Ends the running generation for a reason of ours, and starts it again. */
	async function replace(generation: Generation, reason: RestartReason, why: string): Promise<void> {
		if (current?.generation !== generation || stopping !== undefined) return;
		listeners.onProblem(why);
		lose(reason, { name: "Error", message: why });
		await end(generation, why);
	}

	async function end(generation: Generation, why: string): Promise<void> {
		if (!(await generation.kill(why))) listeners.onAbandoned();
		listeners.onStopped("killed");
	}

	function lose(reason: RestartReason, error: WireErrorDto): void {
		if (current === undefined) return;
		const { compiled, startedAt } = current;
		current = undefined;
		retryLater(reason, Date.now() - startedAt, locate(compiled, error));
	}

	function locate(compiled: CompiledModule, error: WireErrorDto): ModuleProblem {
		return locateError(error, compiled.inputs, options.displayRoot);
	}

	function retryLater(reason: RestartReason, ranMs: number, problem: ModuleProblem): void {
		if (stopping !== undefined) return;
		count(reason);
		lastRestart = { reason, at: Date.now(), problem };
		const plan =
			reason === "manual"
				? { failures: 0, delayMs: 0, quarantined: false }
				: planRestart(failures, ranMs, options.random);
		failures = plan.failures;
		enter(plan.quarantined ? "quarantined" : "restarting");
		if (candidate !== undefined) return; // a newer version is starting already
		const timer = setTimeout(() => void launch(required(good ?? newest)), plan.delayMs);
		nextAttempt = { timer, at: Date.now() + plan.delayMs };
	}

	function count(reason: RestartReason): void {
		restarts[reason] = (restarts[reason] ?? 0) + 1;
		listeners.onRestart(reason);
	}

	/** A request ran out of time. A loop that still turns has only lost that request; a stuck one is replaced. */
	async function afterTimeout(generation: Generation, reason: "call_timeout" | "collect_timeout"): Promise<void> {
		if (await generation.responds(RESPONSE_GRACE_MS)) return;
		await replace(
			generation,
			reason,
			"it blocked its event loop and answered neither the request nor its cancellation",
		);
	}

	/** The serving generation, waiting for a restart until the deadline. @throws {BulkheadError} */
	async function serving(deadlineAt: number, signal: AbortSignal | undefined): Promise<Generation> {
		for (;;) {
			if (current !== undefined) return current.generation;
			if (state !== "restarting" && state !== "starting")
				throw new BulkheadError("MODULE_UNAVAILABLE", describeUnavailable());
			if (signal?.aborted === true) throw new BulkheadError("CALL_CANCELLED", `the call to ${id} was cancelled`);
			const left = deadlineAt - Date.now();
			if (left <= 0) throw new BulkheadError("CALL_TIMEOUT", `${id} did not come back within the call's deadline`);
			await wakened(waiting, left, signal);
		}
	}

	function describeUnavailable(): string {
		const why = loadError?.message ?? lastRestart?.problem.message;
		const when = nextAttempt === undefined ? "" : ` The next attempt is at ${new Date(nextAttempt.at).toISOString()}.`;
		return `${id} is ${state}${why === undefined ? "" : `: ${why}`}.${when}`;
	}

	function begin(compiled: CompiledModule): void {
		failures = 0; // a save is a fresh start
		newest = compiled;
		void launch(compiled);
	}

	return {
		id,
		deploy(compiled) {
			if (stopping === undefined) begin(compiled);
		},
		setLoadError(problem) {
			loadError = problem;
			showHealth();
			if (current === undefined && candidate === undefined) settled.resolve();
		},
		setCollectFailed(failed) {
			collectFailed = failed;
			showHealth();
		},
		async call(call, callOptions) {
			const deadlineAt = Date.now() + callOptions.deadlineMs;
			for (;;) {
				const generation = await serving(deadlineAt, callOptions.signal);
				try {
					return await generation.call(call, { ...callOptions, deadlineMs: Math.max(1, deadlineAt - Date.now()) });
				} catch (error) {
					if (!(error instanceof RpcError)) throw error;
					// Never begun, so it can go to the next generation as if it had arrived a moment later.
					if (error.failure === "closed" && !error.acked && stopping === undefined) continue;
					if (error.failure === "timeout") void afterTimeout(generation, "call_timeout");
					throw callError(id, error, callOptions.deadlineMs);
				}
			}
		},
		async collect(timeoutMs) {
			const generation = current?.generation;
			if (generation === undefined) throw new BulkheadError("MODULE_UNAVAILABLE", describeUnavailable());
			try {
				return { generation: generation.number, snapshot: await generation.collect(timeoutMs) };
			} catch (error) {
				if (!(error instanceof RpcError)) throw error;
				if (error.failure === "timeout") void afterTimeout(generation, "collect_timeout");
				throw collectError(id, error);
			}
		},
		settled: () => settled.promise,
		restart(reason) {
			if (current !== undefined) void replace(current.generation, reason, `it was restarted (${reason})`);
			else if (nextAttempt !== undefined) begin(required(newest));
		},
		status: () => ({
			state,
			generation: current?.generation.number ?? lastGeneration,
			hash: current?.compiled.hash,
			startedAt: current?.startedAt,
			restarts: { ...restarts },
			lastRestart,
			nextAttemptAt: nextAttempt?.at,
			loadError,
			pendingCalls: current?.generation.pending() ?? 0,
		}),
		hashes: () => [...new Set([good?.hash, newest?.hash, current?.compiled.hash].filter((hash) => hash !== undefined))],
		stop(deadlineMs) {
			stopping ??= (async () => {
				clearTimeout(nextAttempt?.timer);
				enter("stopping");
				const starting = candidate;
				candidate = undefined;
				const last = current?.generation;
				const until = Date.now() + deadlineMs;
				const ending = last === undefined ? [...draining] : [last, ...draining];
				await Promise.all(ending.map((generation) => generation.drained(deadlineMs)));
				const stopTimeoutMs = Math.max(1, Math.min(STOP_TIMEOUT_MS, until - Date.now()));
				await Promise.all([
					starting?.kill("the module is being stopped"),
					...ending.map((generation) => generation.stop(stopTimeoutMs)),
				]);
				current = undefined;
				enter("stopped");
				settled.resolve();
			})();
			return stopping;
		},
	};
}

function required(compiled: CompiledModule | undefined): CompiledModule {
	if (compiled === undefined) throw new BulkheadError("MODULE_START_FAILED", "there is no version to start");
	return compiled;
}
