import type { StartedDto } from "../../../workers/wire/messages.ts";
import type { WireErrorDto } from "../../../workers/wire/wire-error.ts";
import type { CompiledModule } from "../compile/compiler.ts";
import { describeEnd, type Generation } from "./generation.ts";
import { describeProblem, locateError, type ModuleProblem } from "./error-location.ts";
import { candidateOf, currentOf, type LifeEffect, type LifeEvent, type Lifecycle, NEW_LIFE, stateOf } from "./life.ts";
import { reduce } from "./lifecycle.ts";
import { outsideRequests } from "../../logging/request-ids.ts";
import { createModuleRequests } from "./requests.ts";
import type { WorkerEnd } from "../worker/worker.ts";
import { describeStartFailure, isFinalFailure, startFailureReason } from "./rpc-errors.ts";
import type { RestartReason } from "./restart-policy.ts";
import type { ModuleRunner, RunnerOptions } from "./runner-types.ts";
import { type GenerationRole, readCatalogOf, type WatchedGeneration, watchedGeneration } from "./start-generation.ts";
import type { CatalogDto } from "../../../workers/wire/catalog.ts";

/** What runs, or is about to end, of a generation. */
interface LiveGeneration extends WatchedGeneration {
	readonly compiled: CompiledModule;
	/** What it said when it started; undefined until it has. */
	offered: { readonly started: StartedDto; readonly catalog: CatalogDto | undefined } | undefined;
	isDraining: boolean;
	killed: Promise<void> | undefined;
}

const STOP_TIMEOUT_MS = 2000;

/** Carries out what lifecycle.ts decides, and tells it what came of it. */
export function createModuleRunner(options: RunnerOptions): ModuleRunner {
	const { id, onEvent } = options;
	let life: Lifecycle<CompiledModule> = NEW_LIFE;
	let retry: NodeJS.Timeout | undefined;
	let ending: Promise<void> = Promise.resolve();
	const restarts: Partial<Record<RestartReason, number>> = {};
	/** By number. */
	const live = new Map<number, LiveGeneration>();
	/** Why we have ended those that we have ended. */
	const endedBy = new WeakMap<Generation, RestartReason>();
	const waiting = new Set<() => void>();
	const settled = Promise.withResolvers<void>();
	const events: LifeEvent<CompiledModule>[] = [];
	let isDispatching = false;

	const role: GenerationRole = {
		isStarting: ({ number }) => candidateOf(life)?.generation === number,
		isServing: ({ number }) => currentOf(life)?.generation === number,
		onTrouble: ({ number }, reason, message) => replace(number, reason, message),
		onOverrun: ({ number }, reason) => overran(number, reason),
	};

	function failure(text: string): void {
		onEvent({ type: "warned", text, mcpEvent: "module_failed" });
	}

	/** One event after the other: what a listener brings about has its turn when the effects of its own cause are done. */
	function dispatch(event: LifeEvent<CompiledModule>): void {
		events.push(event);
		// What a call brings about, a worker above all, outlives it.
		if (!isDispatching) outsideRequests(dispatchAll);
	}

	function dispatchAll(): void {
		isDispatching = true;
		try {
			for (let next = events.shift(); next !== undefined; next = events.shift()) {
				const { state, effects } = reduce(life, next, { now: Date.now(), random: options.random });
				life = state;
				for (const effect of effects) run(effect);
				if (SETTLED.has(state.phase.type)) settled.resolve();
			}
		} finally {
			isDispatching = false;
		}
	}

	function run(effect: LifeEffect<CompiledModule>): void {
		switch (effect.type) {
			case "queue":
				return void queue(effect.generation);
			case "start":
				starts.set(effect.generation, start(effect.generation, effect.version));
				return;
			case "serve":
				return serve(effect.generation);
			case "drain":
				return void drain(live.get(effect.generation));
			case "kill":
				return void kill(live.get(effect.generation), effect.why);
			case "endAll":
				ending = endAll(effect.starting, effect.deadlineMs);
				return;
			case "arm":
				retry = setTimeout(() => dispatch({ type: "retryDue" }), effect.delayMs);
				return;
			case "disarm":
				return clearTimeout(retry);
			case "countRestart":
				restarts[effect.reason] = (restarts[effect.reason] ?? 0) + 1;
				return onEvent({ type: "restarted", reason: effect.reason });
			case "enter":
				onEvent({ type: "entered", state: effect.state });
				for (const wake of [...waiting]) wake();
		}
	}

	const starts = new Map<number, Promise<void>>();

	async function queue(number: number): Promise<void> {
		const leave = await options.startGate.enter();
		dispatch({ type: "turnCame", generation: number });
		await starts.get(number);
		starts.delete(number);
		leave();
	}

	async function start(number: number, compiled: CompiledModule): Promise<void> {
		const begunAt = performance.now();
		const failed = (error: WireErrorDto, reason: RestartReason, isFinal: boolean): void => {
			onEvent({ type: "startTried", outcome: "failure", durationMs: performance.now() - begunAt });
			const problem = locate(compiled, error);
			const serves = current()?.compiled.hash;
			const isRefused = serves !== undefined && serves !== compiled.hash;
			const what = isRefused ? `version ${compiled.hash} is refused: it did not start` : "did not start";
			const after = isRefused ? `; version ${serves} goes on serving` : "";
			failure(`${what}: ${describeProblem(problem)}${after}`);
			dispatch({ type: "startFailed", generation: number, reason, problem, isFinal });
		};
		const attempt = watchedGeneration(options, compiled, number, role);
		if (attempt instanceof Error) return failed({ name: attempt.name, message: attempt.message }, "crash", false);
		const { generation, trouble } = attempt;
		const entry: LiveGeneration = { ...attempt, compiled, offered: undefined, isDraining: false, killed: undefined };
		live.set(number, entry);
		const { startTimeoutMs } = options.settings();
		try {
			await options.restoreBundles();
			const started = await generation.start(startTimeoutMs);
			if (!role.isStarting(generation)) return void live.delete(number); // superseded, or the module is being stopped
			entry.offered = { started, catalog: readCatalogOf(started, current()?.offered?.catalog) };
		} catch (error) {
			await kill(entry, "the module did not start");
			live.delete(number);
			if (!role.isStarting(generation)) return;
			const end = await generation.ended;
			const reason = trouble() ?? startFailureReason(error, end);
			return failed(describeStartFailure(error, end, startTimeoutMs), reason, isFinalFailure(error));
		}
		const before = current()?.compiled.hash;
		dispatch({ type: "started", generation: number });
		if (before !== undefined && before !== compiled.hash) onEvent({ type: "reloaded", version: compiled.hash });
		onEvent({ type: "startTried", outcome: "success", durationMs: performance.now() - begunAt });
		void generation.ended.then((end) => died(number, end)); // at once, where it has ended already
	}

	function serve(number: number): void {
		const offered = live.get(number)?.offered;
		if (offered !== undefined) onEvent({ type: "serving", generation: number, ...offered });
	}

	function current(): LiveGeneration | undefined {
		return live.get(currentOf(life)?.generation ?? 0);
	}

	/** Lets the calls of a replaced generation finish, then stops it. */
	async function drain(entry: LiveGeneration | undefined): Promise<void> {
		if (entry === undefined) return;
		entry.isDraining = true;
		await entry.generation.drained(options.settings().callTimeoutMs);
		await entry.generation.stop(STOP_TIMEOUT_MS);
		onEvent({ type: "stopped", outcome: "graceful" });
	}

	function kill(entry: LiveGeneration | undefined, why: string): Promise<void> | undefined {
		if (entry === undefined) return undefined;
		entry.killed ??= (async () => {
			if (!(await entry.generation.kill(why))) onEvent({ type: "abandoned" });
			onEvent({ type: "stopped", outcome: "killed" });
		})();
		return entry.killed;
	}

	function died(number: number, end: WorkerEnd): void {
		const entry = live.get(number);
		live.delete(number);
		if (entry === undefined || life.phase.type !== "serving" || life.phase.current.generation !== number) return;
		const error = end.reason === "stopped" ? { name: "Error", message: "its worker ended by itself" } : end.error;
		const reason = end.reason === "stopped" ? "exit" : end.reason;
		const problem = locate(entry.compiled, error);
		const what = end.reason === "crash" ? `the module crashed: ${describeProblem(problem)}` : describeEnd(end);
		failure(what);
		dispatch({ type: "lost", generation: number, reason, problem });
	}

	/** Ends a generation for a reason of ours; if it is the one that serves, another one is started in its place. */
	function replace(number: number, reason: RestartReason, why: string): void {
		const entry = live.get(number);
		if (entry === undefined || life.phase.type === "stopping") return;
		failure(why);
		const problem = locate(entry.compiled, { name: "Error", message: why });
		endedBy.set(entry.generation, reason);
		dispatch({ type: "lost", generation: number, reason, problem });
		void kill(entry, why);
	}

	/**
	 * It still works on what has no time left, and holds what that holds. Its event loop turns, so its other calls may finish
	 * while a new generation takes over.
	 */
	function overran(number: number, reason: "call_timeout" | "collect_timeout"): void {
		const entry = live.get(number);
		const { phase } = life;
		if (entry === undefined || phase.type !== "serving" || phase.current.generation !== number) return;
		if (phase.candidate !== undefined) return; // it is being replaced already
		const what = reason === "call_timeout" ? "a call" : "a collection";
		const message = `${what} ran on after its deadline and its cancellation; it is replaced`;
		failure(message);
		const problem = locate(entry.compiled, { name: "Error", message });
		dispatch({ type: "overran", generation: number, reason, problem });
	}

	async function endAll(starting: number | undefined, deadlineMs: number): Promise<void> {
		const until = performance.now() + deadlineMs;
		const serving = currentOf(life)?.generation;
		const left = [...live].flatMap(([number, each]) =>
			number === serving || each.isDraining ? [each.generation] : [],
		);
		const started = starting === undefined ? undefined : live.get(starting)?.generation;
		await Promise.all(left.map((generation) => generation.drained(deadlineMs)));
		const stopTimeoutMs = Math.max(1, Math.min(STOP_TIMEOUT_MS, until - performance.now()));
		await Promise.all([
			started?.kill("the module is being stopped"),
			...left.map((generation) => generation.stop(stopTimeoutMs)),
		]);
		dispatch({ type: "ended" });
	}

	function locate(compiled: CompiledModule | undefined, error: WireErrorDto): ModuleProblem {
		return locateError(error, compiled?.inputs ?? [], options.displayRoot);
	}

	function unavailable(): string | undefined {
		const state = stateOf(life);
		if (state === "restarting" || state === "starting") return undefined;
		const why = life.loadError?.message ?? life.lastRestart?.problem.message;
		const retryAt = life.phase.type === "waiting" ? life.phase.retryAt : undefined;
		const when = retryAt === undefined ? "" : ` The next attempt is at ${new Date(retryAt).toISOString()}.`;
		return `${id} is ${state}${why === undefined ? "" : `: ${why}`}.${when}`;
	}

	return {
		id,
		...createModuleRequests({
			id,
			serving: () => current()?.generation,
			unavailable,
			endedBy: (generation) => endedBy.get(generation),
			waiting,
			locate: (error) => locate(current()?.compiled ?? life.good, error),
			onWorked: (work, outcome, durationMs) => onEvent({ type: "worked", work, outcome, durationMs }),
			onStuck: ({ number }, reason) =>
				replace(number, reason, "it blocked its event loop and answered neither the request nor its cancellation"),
		}),
		deploy: (version) => dispatch({ type: "deployed", version }),
		hold: (version) => dispatch({ type: "held", ...(version !== undefined && { version }) }),
		disable: (deadlineMs) => dispatch({ type: "disableAsked", deadlineMs }),
		enable: (reason) => dispatch({ type: "enableAsked", reason }),
		restart: (reason) => dispatch({ type: "restartAsked", reason }),
		setLoadError: (problem) => dispatch({ type: "loaded", problem }),
		setCollectFailed: (hasFailed) => dispatch({ type: "collected", hasFailed }),
		settled: () => settled.promise,
		status: () => ({
			state: stateOf(life),
			generation: currentOf(life)?.generation ?? life.lastGeneration,
			hash: currentOf(life)?.version.hash,
			startedAt: currentOf(life)?.startedAt,
			restarts: { ...restarts },
			lastRestart: life.lastRestart,
			nextAttemptAt: life.phase.type === "waiting" ? life.phase.retryAt : undefined,
			loadError: life.loadError,
			pendingCalls: current()?.generation.pending() ?? 0,
			usage: current()?.usage(),
		}),
		hashes: () =>
			[...new Set([life.good?.hash, life.newest?.hash, currentOf(life)?.version.hash])].filter(
				(hash) => hash !== undefined,
			),
		async stop(deadlineMs) {
			dispatch({ type: "stopAsked", deadlineMs });
			await ending;
		},
	};
}

/** In these the module has started once, or has failed to. */
const SETTLED: ReadonlySet<string> = new Set<Lifecycle<unknown>["phase"]["type"]>([
	"serving",
	"waiting",
	"failed",
	"disabled",
	"stopped",
]);
