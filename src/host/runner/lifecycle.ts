/**
 * The life of a module as a pure function: what has happened, and what there is to do about it. Nothing here waits, starts
 * or looks at a clock; runner.ts carries out the effects and reports back with the next event.
 *
 * A generation is known by its number. What is said of a number that is neither the current nor the candidate is stale, and
 * changes nothing: no event has to be revoked.
 */
import type { ModuleProblem } from "./error-location.ts";
import {
	type Candidate,
	candidateOf,
	currentOf,
	type LifeContext,
	type Lifecycle,
	type LifeEffect,
	type LifeEvent,
	type LifeStep,
	stateOf,
} from "./life.ts";
import { planRestart, type RestartReason } from "./restart-policy.ts";

export function reduce<Version>(
	before: Lifecycle<Version>,
	event: LifeEvent<Version>,
	context: LifeContext,
): LifeStep<Version> {
	const { state, effects } = step(before, event, context);
	const more: LifeEffect<Version>[] = [...effects];
	// The timer is a matter of the phase and not of the event: it runs while the module waits, and never else.
	if (state.phase !== before.phase) {
		if (before.phase.type === "waiting") more.push({ type: "disarm" });
		if (state.phase.type === "waiting") more.push({ type: "arm", delayMs: state.phase.retryAt - context.now });
	}
	if (stateOf(state) !== stateOf(before)) more.push({ type: "enter", state: stateOf(state) });
	return { state, effects: more };
}

function step<Version>(life: Lifecycle<Version>, event: LifeEvent<Version>, context: LifeContext): LifeStep<Version> {
	if (life.phase.type === "stopped") return unchanged(life);
	switch (event.type) {
		case "deployed":
			return startFresh({ ...life, newest: event.version }, "reload");
		case "held":
			return disable({ ...life, newest: event.version ?? life.newest }, 0);
		case "loaded":
			return load(life, event.problem);
		case "restartAsked":
			return startFresh(life, event.reason);
		case "disableAsked":
			return disable(life, event.deadlineMs);
		case "enableAsked":
			return enable(life, event.reason);
		case "stopAsked":
			return life.phase.type === "stopping"
				? unchanged({ ...life, phase: { ...life.phase, next: "stopped" } })
				: endAll(life, "stopped", event.deadlineMs);
		case "turnCame":
			return begin(life, event.generation);
		case "started":
			return promote(life, event.generation, context);
		case "startFailed":
			return startFailed(life, event, context);
		case "lost":
			return lost(life, event, context);
		case "overran":
			return overran(life, event, context);
		case "collected":
			return life.phase.type === "serving"
				? unchanged({ ...life, phase: { ...life.phase, hasCollectFailed: event.hasFailed } })
				: unchanged(life);
		case "retryDue":
			return life.phase.type === "waiting" ? launch(life, life.phase.version, life.phase.reason) : unchanged(life);
		case "ended":
			return ended(life);
	}
}

function unchanged<Version>(state: Lifecycle<Version>): LifeStep<Version> {
	return { state, effects: [] };
}

/** A start that somebody asked for is a fresh start: failures before it do not count. */
function startFresh<Version>(life: Lifecycle<Version>, reason: RestartReason): LifeStep<Version> {
	const version = life.newest ?? life.good;
	const { type } = life.phase;
	if (version === undefined || type === "stopping" || type === "disabled") return unchanged(life);
	return launch({ ...life, failures: 0 }, version, reason);
}

/** Puts a version on its way, beside the one that serves and in place of another that is on its way. */
function launch<Version>(life: Lifecycle<Version>, version: Version, replaces: RestartReason): LifeStep<Version> {
	const superseded = candidateOf(life);
	if (superseded !== undefined && !superseded.isBegun) {
		// It keeps its place among those that wait for their turn.
		return unchanged(withCandidate(life, { ...superseded, version, replaces }));
	}
	const generation = life.lastGeneration + 1;
	const candidate = { generation, version, replaces, isBegun: false };
	const effects: LifeEffect<Version>[] = [{ type: "queue", generation }];
	if (superseded !== undefined) {
		effects.unshift({
			type: "kill",
			generation: superseded.generation,
			why: "a newer version of the module was started",
		});
	}
	return { state: withCandidate({ ...life, lastGeneration: generation }, candidate), effects };
}

function withCandidate<Version>(life: Lifecycle<Version>, candidate: Candidate<Version>): Lifecycle<Version> {
	const { phase } = life;
	return { ...life, phase: phase.type === "serving" ? { ...phase, candidate } : { type: "starting", candidate } };
}

function begin<Version>(life: Lifecycle<Version>, generation: number): LifeStep<Version> {
	const candidate = candidateOf(life);
	if (candidate?.generation !== generation || candidate.isBegun) return unchanged(life);
	return {
		state: withCandidate(life, { ...candidate, isBegun: true }),
		effects: [{ type: "start", generation, version: candidate.version }],
	};
}

function promote<Version>(life: Lifecycle<Version>, generation: number, { now }: LifeContext): LifeStep<Version> {
	const candidate = candidateOf(life);
	if (candidate?.generation !== generation) return unchanged(life);
	const { version, replaces } = candidate;
	const previous = currentOf(life);
	const effects: LifeEffect<Version>[] = [{ type: "serve", generation }];
	if (previous !== undefined) {
		effects.push({ type: "countRestart", reason: replaces }, { type: "drain", generation: previous.generation });
	}
	return {
		state: {
			...life,
			phase: { type: "serving", current: { generation, version, startedAt: now }, hasCollectFailed: false },
			good: version,
			loadError: version === life.newest ? undefined : life.loadError,
		},
		effects,
	};
}

function startFailed<Version>(
	before: Lifecycle<Version>,
	{ generation, reason, problem, isFinal }: Extract<LifeEvent<Version>, { readonly type: "startFailed" }>,
	context: LifeContext,
): LifeStep<Version> {
	const candidate = candidateOf(before);
	if (candidate?.generation !== generation) return unchanged(before);
	const { version } = candidate;
	const life = version === before.newest ? { ...before, loadError: problem } : before;
	if (life.phase.type === "serving") {
		const { candidate: _, ...phase } = life.phase;
		return unchanged({ ...life, phase });
	}
	// A version that has served before may do so again.
	if (isFinal && life.good === undefined) return unchanged({ ...life, phase: { type: "failed" } });
	return retryLater(life, { reason, problem, ranMs: 0, version: life.good ?? life.newest ?? version }, context);
}

function lost<Version>(
	life: Lifecycle<Version>,
	{ generation, reason, problem }: Extract<LifeEvent<Version>, { readonly type: "lost" }>,
	context: LifeContext,
): LifeStep<Version> {
	const { phase } = life;
	if (phase.type !== "serving" || phase.current.generation !== generation) return unchanged(life);
	const { version, startedAt } = phase.current;
	return retryLater(life, { reason, problem, ranMs: context.now - startedAt, version }, context);
}

interface Failure<Version> {
	readonly reason: RestartReason;
	readonly problem: ModuleProblem;
	/** How long it had served. */
	readonly ranMs: number;
	/** What to start again. */
	readonly version: Version;
}

function retryLater<Version>(
	life: Lifecycle<Version>,
	{ reason, problem, ranMs, version }: Failure<Version>,
	{ now, random }: LifeContext,
): LifeStep<Version> {
	const plan = planRestart(life.failures, ranMs, random);
	// A version that is on its way already needs no other attempt.
	const candidate = life.phase.type === "serving" ? life.phase.candidate : undefined;
	return {
		state: {
			...life,
			failures: plan.failures,
			lastRestart: { reason, at: now, problem },
			phase:
				candidate === undefined
					? { type: "waiting", version, reason, retryAt: now + plan.delayMs, isQuarantined: plan.quarantined }
					: { type: "starting", candidate },
		},
		effects: [{ type: "countRestart", reason }],
	};
}

function overran<Version>(
	life: Lifecycle<Version>,
	{ generation, reason, problem }: Extract<LifeEvent<Version>, { readonly type: "overran" }>,
	{ now }: LifeContext,
): LifeStep<Version> {
	const { phase } = life;
	if (phase.type !== "serving" || phase.current.generation !== generation || phase.candidate !== undefined) {
		return unchanged(life);
	}
	return launch({ ...life, lastRestart: { reason, at: now, problem } }, phase.current.version, reason);
}

function load<Version>(life: Lifecycle<Version>, problem: ModuleProblem | undefined): LifeStep<Version> {
	const loaded = { ...life, loadError: problem };
	if (problem !== undefined && life.phase.type === "idle") return unchanged({ ...loaded, phase: { type: "failed" } });
	if (problem === undefined && life.phase.type === "failed") {
		return life.newest === undefined ? unchanged({ ...loaded, phase: { type: "idle" } }) : startFresh(loaded, "reload"); // the file is another one than that which could not serve
	}
	return unchanged(loaded);
}

function disable<Version>(life: Lifecycle<Version>, deadlineMs: number): LifeStep<Version> {
	const { phase } = life;
	if (phase.type === "disabled") return unchanged(life);
	if (phase.type !== "stopping") return endAll(life, "disabled", deadlineMs);
	return unchanged(phase.next === "stopped" ? life : { ...life, phase: { ...phase, next: "disabled" } });
}

function enable<Version>(life: Lifecycle<Version>, reason: RestartReason): LifeStep<Version> {
	const { phase } = life;
	if (phase.type === "disabled") return resume(life, reason);
	if (phase.type !== "stopping" || phase.next === "stopped") return unchanged(life);
	return unchanged({ ...life, phase: { ...phase, next: { restart: reason } } });
}

function endAll<Version>(
	life: Lifecycle<Version>,
	next: "stopped" | "disabled",
	deadlineMs: number,
): LifeStep<Version> {
	return {
		state: { ...life, phase: { type: "stopping", current: currentOf(life), next } },
		effects: [{ type: "endAll", starting: candidateOf(life)?.generation, deadlineMs }],
	};
}

function ended<Version>(life: Lifecycle<Version>): LifeStep<Version> {
	const { phase } = life;
	if (phase.type !== "stopping") return unchanged(life);
	if (typeof phase.next === "string") return unchanged({ ...life, phase: { type: phase.next } });
	return resume(life, phase.next.restart);
}

function resume<Version>(life: Lifecycle<Version>, reason: RestartReason): LifeStep<Version> {
	const type = life.loadError === undefined ? "idle" : "failed";
	return startFresh({ ...life, phase: { type } }, reason);
}
