import { BulkheadError } from "../../core/errors.ts";
import { type StartedDto } from "../../../workers/wire/messages.ts";
import type { WireErrorDto } from "../../../workers/wire/wire-error.ts";
import type { CompiledModule } from "../compile/compiler.ts";
import { describeEnd, type Generation } from "./generation.ts";
import { locateError, type ModuleProblem } from "./error-location.ts";
import { createModuleRequests, type ModuleRequests } from "./requests.ts";
import { type ModuleState, transition } from "./lifecycle.ts";
import type { WorkerEnd } from "../worker/worker.ts";
import { describeStartFailure, startFailureReason } from "./rpc-errors.ts";
import { planRestart, type RestartReason } from "./restart-policy.ts";
import type { RunnerOptions, RunnerStatus } from "./runner-types.ts";
import { type GenerationRole, type WatchedGeneration, watchedGeneration } from "./start-generation.ts";
import { type CatalogDto, describeUnlisted, firstVanished, readCatalog } from "../../../workers/wire/catalog.ts";

/** Keeps one module running: starts, replaces, restarts and stops its generations. */
export interface ModuleRunner extends ModuleRequests {
	readonly id: string;
	/** Starts a new version beside the running one, which serves until the new one does. */
	deploy(compiled: CompiledModule): void;
	/** Remembers the newest version of a disabled module, for when it is enabled. */
	hold(compiled: CompiledModule): void;
	/** Ends what runs, letting running requests finish within the deadline, and starts nothing until `enable`. */
	disable(deadlineMs: number): Promise<void>;
	enable(): void;
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
	/** Lets running requests finish within the deadline, then ends everything. Safe before a start, and twice. */
	stop(deadlineMs: number): Promise<void>;
}

interface Serving {
	readonly generation: Generation;
	readonly compiled: CompiledModule;
	readonly startedAt: number;
	readonly usage: WatchedGeneration["usage"];
	/** What it said when it started that it offers. */
	readonly catalog: CatalogDto | undefined;
}

/** A version on its way to serve. It becomes the current one, or nothing. */
interface Candidate {
	compiled: CompiledModule;
	/** Why, if it succeeds, it takes the place of the one that serves. */
	replaces: RestartReason;
	/** Undefined until it is its turn to start. */
	generation: Generation | undefined;
}

const STOP_TIMEOUT_MS = 2000;

export function createModuleRunner(options: RunnerOptions): ModuleRunner {
	const { id, listeners } = options;
	let state: ModuleState = "idle";
	let lastGeneration = 0;
	let current: Serving | undefined;
	let candidate: Candidate | undefined;
	let good: CompiledModule | undefined;
	let newest: CompiledModule | undefined;
	let loadError: ModuleProblem | undefined;
	let collectFailed = false;
	let failures = 0;
	let nextAttempt: { readonly timer: NodeJS.Timeout; readonly at: number } | undefined;
	let lastRestart: RunnerStatus["lastRestart"];
	let stopping: Promise<void> | undefined;
	let disabled = false;
	const restarts: Partial<Record<RestartReason, number>> = {};
	const draining = new Set<Generation>();
	const waiting = new Set<() => void>();
	const settled = Promise.withResolvers<void>();

	const role: GenerationRole = {
		isStarting: (generation) => candidate?.generation === generation,
		isServing: (generation) => current?.generation === generation,
		onTrouble: (generation, reason, message) => void replace(generation, reason, message),
		onOverrun: overran,
	};

	function enter(to: ModuleState): void {
		if (to === state) return;
		state = transition(state, to, id);
		listeners.onState(state);
		for (const wake of [...waiting]) wake();
	}

	function showHealth(): void {
		if (current === undefined || stopping !== undefined) return;
		enter(loadError !== undefined || collectFailed ? "degraded" : "running");
	}

	async function launch(compiled: CompiledModule, replaces: RestartReason): Promise<void> {
		clearTimeout(nextAttempt?.timer);
		nextAttempt = undefined;
		if (candidate !== undefined && candidate.generation === undefined) {
			candidate.compiled = compiled; // its turn is still to come
			candidate.replaces = replaces;
			return;
		}
		void candidate?.generation?.kill("a newer version of the module was started");
		const own: Candidate = { compiled, replaces, generation: undefined };
		candidate = own;
		if (current === undefined) enter("starting");
		const leave = await options.startGate.enter();
		if (candidate !== own) return leave();
		await start(own).finally(leave);
	}

	async function start(own: Candidate): Promise<void> {
		const { compiled } = own;
		const begunAt = performance.now();
		lastGeneration += 1;
		const attempt = watchedGeneration(options, compiled, lastGeneration, role);
		if (attempt instanceof Error) {
			candidate = undefined;
			listeners.onStart("failure", performance.now() - begunAt);
			failedToStart(compiled, { name: attempt.name, message: attempt.message }, "crash");
			return settled.resolve();
		}
		const { generation, trouble } = attempt;
		own.generation = generation;
		const { startTimeoutMs } = options.settings();
		try {
			await options.restoreBundles();
			const started = await generation.start(startTimeoutMs);
			if (candidate !== own) return;
			const catalog = readCatalogOf(started, current);
			promote(attempt, own, started, catalog);
			listeners.onStart("success", performance.now() - begunAt);
		} catch (error) {
			await kill(generation, "the module did not start");
			if (candidate !== own) return; // superseded, or the module is being stopped
			candidate = undefined;
			listeners.onStart("failure", performance.now() - begunAt);
			const end = await generation.ended;
			const reason = trouble() ?? startFailureReason(error, end);
			failedToStart(compiled, describeStartFailure(error, end, startTimeoutMs), reason);
		}
		settled.resolve();
	}

	function promote(
		{ generation, usage }: WatchedGeneration,
		{ compiled, replaces }: Candidate,
		started: StartedDto,
		catalog: CatalogDto | undefined,
	): void {
		const previous = current;
		candidate = undefined;
		current = { generation, compiled, startedAt: Date.now(), usage, catalog };
		good = compiled;
		if (compiled === newest) loadError = undefined;
		collectFailed = false;
		void generation.ended.then((end) => died(generation, end));
		listeners.onServing(generation.number, started, catalog);
		showHealth();
		if (previous === undefined) return;
		count(replaces);
		void drain(previous.generation);
	}

	/** Lets the calls of a replaced generation finish, then stops it. */
	async function drain(generation: Generation): Promise<void> {
		draining.add(generation);
		await generation.drained(options.settings().callTimeoutMs);
		await generation.stop(STOP_TIMEOUT_MS);
		draining.delete(generation);
		listeners.onStopped("graceful");
	}

	function failedToStart(compiled: CompiledModule, error: WireErrorDto, reason: RestartReason): void {
		const problem = locate(compiled, error);
		if (compiled === newest) loadError = problem;
		listeners.onProblem(`did not start: ${problem.message}`);
		if (current === undefined) retryLater(reason, 0, problem);
		else showHealth();
	}

	function died(generation: Generation, end: WorkerEnd): void {
		if (current?.generation !== generation || stopping !== undefined) return;
		const error = end.reason === "stopped" ? { name: "Error", message: "its worker ended by itself" } : end.error;
		listeners.onProblem(describeEnd(end));
		lose(current, end.reason === "stopped" ? "exit" : end.reason, error);
	}

	/** Ends a generation for a reason of ours; if it is the one that serves, another one is started in its place. */
	async function replace(generation: Generation, reason: RestartReason, why: string): Promise<void> {
		if (stopping !== undefined) return;
		listeners.onProblem(why);
		if (current?.generation === generation) lose(current, reason, { name: "Error", message: why });
		await kill(generation, why);
	}

	/**
	 * It still works on what has no time left, and holds what that holds. Its event loop turns, so its other calls may finish
	 * while a new generation takes over.
	 */
	function overran(generation: Generation, reason: "call_timeout" | "collect_timeout"): void {
		if (current?.generation !== generation || candidate !== undefined || stopping !== undefined) return;
		const { compiled } = current;
		const what = reason === "call_timeout" ? "a call" : "a collection";
		const message = `${what} ran on after its deadline and its cancellation; it is replaced`;
		listeners.onProblem(message);
		lastRestart = { reason, at: Date.now(), problem: locate(compiled, { name: "Error", message }) };
		void launch(compiled, reason);
	}

	async function kill(generation: Generation, why: string): Promise<void> {
		if (!(await generation.kill(why))) listeners.onAbandoned();
		listeners.onStopped("killed");
	}

	function lose({ compiled, startedAt }: Serving, reason: RestartReason, error: WireErrorDto): void {
		current = undefined;
		retryLater(reason, Date.now() - startedAt, locate(compiled, error));
	}

	function retryLater(reason: RestartReason, ranMs: number, problem: ModuleProblem): void {
		if (stopping !== undefined) return;
		count(reason);
		lastRestart = { reason, at: Date.now(), problem };
		const plan = planRestart(failures, ranMs, options.random);
		failures = plan.failures;
		enter(plan.quarantined ? "quarantined" : "restarting");
		if (candidate !== undefined) return enter("starting"); // a newer version is on its way already
		const compiled = good ?? newest;
		if (compiled === undefined) return;
		const timer = setTimeout(() => void launch(compiled, reason), plan.delayMs);
		nextAttempt = { timer, at: Date.now() + plan.delayMs };
	}

	function locate(compiled: CompiledModule, error: WireErrorDto): ModuleProblem {
		return locateError(error, compiled.inputs, options.displayRoot);
	}

	function count(reason: RestartReason): void {
		restarts[reason] = (restarts[reason] ?? 0) + 1;
		listeners.onRestart(reason);
	}

	function unavailable(): string | undefined {
		if (stopping === undefined && (state === "restarting" || state === "starting")) return undefined;
		const why = loadError?.message ?? lastRestart?.problem.message;
		const when = nextAttempt === undefined ? "" : ` The next attempt is at ${new Date(nextAttempt.at).toISOString()}.`;
		return `${id} is ${state}${why === undefined ? "" : `: ${why}`}.${when}`;
	}

	return {
		id,
		...createModuleRequests({
			id,
			serving: () => current?.generation,
			unavailable,
			waiting,
			locate: (error) => locateError(error, (current?.compiled ?? good)?.inputs ?? [], options.displayRoot),
			onWorked: listeners.onWorked,
			onStuck: (generation, reason) =>
				void replace(
					generation,
					reason,
					"it blocked its event loop and answered neither the request nor its cancellation",
				),
		}),
		deploy(compiled) {
			newest = compiled;
			startFresh("reload");
		},
		hold(compiled) {
			newest = compiled;
			if (state === "idle") void disable(0);
		},
		disable,
		enable() {
			disabled = false;
			startFresh("manual");
		},
		restart: startFresh,
		setLoadError(problem) {
			loadError = problem;
			showHealth();
			if (current === undefined && candidate === undefined) settled.resolve();
		},
		setCollectFailed(failed) {
			collectFailed = failed;
			showHealth();
		},
		settled: () => settled.promise,
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
			usage: current?.usage(),
		}),
		hashes: () => [...new Set([good?.hash, newest?.hash, current?.compiled.hash])].filter((hash) => hash !== undefined),
		async stop(deadlineMs) {
			await stopping; // being disabled
			stopping ??= endAll(deadlineMs, "stopped");
			await stopping;
		},
	};

	async function disable(deadlineMs: number): Promise<void> {
		if (disabled || stopping !== undefined) return;
		disabled = true;
		stopping = endAll(deadlineMs, "disabled");
		await stopping;
		stopping = undefined;
		if (!disabled) startFresh("manual"); // it was enabled meanwhile
	}

	/** A start that somebody asked for is a fresh start. */
	function startFresh(reason: RestartReason): void {
		const compiled = newest ?? good;
		if (stopping !== undefined || disabled || compiled === undefined) return;
		failures = 0;
		void launch(compiled, reason);
	}

	async function endAll(deadlineMs: number, finalState: "stopped" | "disabled"): Promise<void> {
		clearTimeout(nextAttempt?.timer);
		nextAttempt = undefined;
		enter("stopping");
		const starting = candidate?.generation;
		candidate = undefined;
		const until = performance.now() + deadlineMs;
		const ending = current === undefined ? [...draining] : [current.generation, ...draining];
		await Promise.all(ending.map((generation) => generation.drained(deadlineMs)));
		const stopTimeoutMs = Math.max(1, Math.min(STOP_TIMEOUT_MS, until - performance.now()));
		await Promise.all([
			starting?.kill("the module is being stopped"),
			...ending.map((generation) => generation.stop(stopTimeoutMs)),
		]);
		current = undefined;
		enter(finalState);
		settled.resolve();
	}
}

/** @throws {BulkheadError} when something that is listed now would vanish because it cannot be listed any more */
function readCatalogOf(started: StartedDto, serving: Serving | undefined): CatalogDto | undefined {
	const catalog = started.catalog === undefined ? undefined : readCatalog(started.catalog);
	const before = serving?.catalog;
	const vanished = catalog && before && firstVanished(before, catalog);
	if (vanished === undefined) return catalog;
	throw new BulkheadError(
		"MODULE_START_FAILED",
		`it cannot list any more what it lists: ${describeUnlisted(vanished)}`,
	);
}
