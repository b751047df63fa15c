/** What a module's life consists of: its phases, what happens in it, and what there is to do about that. */
import type { ModuleProblem } from "./error-location.ts";
import type { ModuleState } from "./module-state.ts";
import type { RestartReason } from "./restart-policy.ts";

/** A version on its way to serve. It becomes the current one, or nothing. */
export interface Candidate<Version> {
	readonly generation: number;
	readonly version: Version;
	/** Why, if it succeeds, it takes the place of the one that serves. */
	readonly replaces: RestartReason;
	/** False until it is its turn to start. */
	readonly isBegun: boolean;
}

export interface Current<Version> {
	readonly generation: number;
	readonly version: Version;
	/** Milliseconds since the epoch. */
	readonly startedAt: number;
}

export type Phase<Version> =
	/** No version has come yet. */
	| { readonly type: "idle" }
	| { readonly type: "starting"; readonly candidate: Candidate<Version> }
	| {
			readonly type: "serving";
			readonly current: Current<Version>;
			readonly candidate?: Candidate<Version>;
			readonly hasCollectFailed: boolean;
	  }
	| {
			readonly type: "waiting";
			readonly version: Version;
			readonly reason: RestartReason;
			readonly retryAt: number;
			readonly isQuarantined: boolean;
	  }
	/** No version can serve, and trying again would change nothing. */
	| { readonly type: "failed" }
	/** What runs is being ended, and serves for as long as it has calls; `next` is what comes after. */
	| {
			readonly type: "stopping";
			readonly current: Current<Version> | undefined;
			readonly next: "stopped" | "disabled" | { readonly restart: RestartReason };
	  }
	| { readonly type: "disabled" }
	| { readonly type: "stopped" };

export interface LastRestart {
	readonly reason: RestartReason;
	/** Milliseconds since the epoch. */
	readonly at: number;
	readonly problem: ModuleProblem;
}

export interface Lifecycle<Version> {
	readonly phase: Phase<Version>;
	/** The version of the file as it is, if it compiles. */
	readonly newest: Version | undefined;
	/** The version that has served last. */
	readonly good: Version | undefined;
	/** Why the file as it is does not serve. */
	readonly loadError: ModuleProblem | undefined;
	/** Failures in a row without a stable run in between. */
	readonly failures: number;
	readonly lastGeneration: number;
	readonly lastRestart: LastRestart | undefined;
}

export type LifeEvent<Version> =
	| { readonly type: "deployed"; readonly version: Version }
	/** The operator has disabled the module; the newest version is for when it is enabled. */
	| { readonly type: "held"; readonly version?: Version }
	/** The file does not compile; undefined: it does again, and is the version that was the newest before. */
	| { readonly type: "loaded"; readonly problem: ModuleProblem | undefined }
	| { readonly type: "restartAsked"; readonly reason: RestartReason }
	| { readonly type: "disableAsked"; readonly deadlineMs: number }
	| { readonly type: "enableAsked"; readonly reason: RestartReason }
	| { readonly type: "stopAsked"; readonly deadlineMs: number }
	/** The start limiter lets the candidate start. */
	| { readonly type: "turnCame"; readonly generation: number }
	| { readonly type: "started"; readonly generation: number }
	| {
			readonly type: "startFailed";
			readonly generation: number;
			readonly reason: RestartReason;
			readonly problem: ModuleProblem;
			/** Whether it would fail again however often it is tried. */
			readonly isFinal: boolean;
	  }
	/** Its worker has ended, or has to be: it is lost to its callers. */
	| {
			readonly type: "lost";
			readonly generation: number;
			readonly reason: RestartReason;
			readonly problem: ModuleProblem;
	  }
	/** It still works on what has no time left, and holds what that holds; its other calls may finish. */
	| {
			readonly type: "overran";
			readonly generation: number;
			readonly reason: "call_timeout" | "collect_timeout";
			readonly problem: ModuleProblem;
	  }
	| { readonly type: "collected"; readonly hasFailed: boolean }
	| { readonly type: "retryDue" }
	/** All that ran when it was to stop has ended. */
	| { readonly type: "ended" };

export type LifeEffect<Version> =
	/** Ask the start limiter for a turn. */
	| { readonly type: "queue"; readonly generation: number }
	| { readonly type: "start"; readonly generation: number; readonly version: Version }
	/** It serves from now on: its lists count. */
	| { readonly type: "serve"; readonly generation: number }
	/** Let its calls finish, then stop it. */
	| { readonly type: "drain"; readonly generation: number }
	| { readonly type: "kill"; readonly generation: number; readonly why: string }
	/** End the one that starts at once, and all others when their calls have, or at the deadline; then report `ended`. */
	| { readonly type: "endAll"; readonly starting: number | undefined; readonly deadlineMs: number }
	| { readonly type: "arm"; readonly delayMs: number }
	| { readonly type: "disarm" }
	| { readonly type: "countRestart"; readonly reason: RestartReason }
	| { readonly type: "enter"; readonly state: ModuleState };

export interface LifeContext {
	/** Milliseconds since the epoch. */
	readonly now: number;
	/** Uniform in [0, 1). */
	readonly random: () => number;
}

export interface LifeStep<Version> {
	readonly state: Lifecycle<Version>;
	/** To be carried out in this order. */
	readonly effects: readonly LifeEffect<Version>[];
}

/** Of a module that nothing is known of. */
export const NEW_LIFE: Lifecycle<never> = {
	phase: { type: "idle" },
	newest: undefined,
	good: undefined,
	loadError: undefined,
	failures: 0,
	lastGeneration: 0,
	lastRestart: undefined,
};

/** The state as it is seen from outside. */
export function stateOf({ phase, loadError }: Lifecycle<unknown>): ModuleState {
	switch (phase.type) {
		case "serving":
			return loadError !== undefined || phase.hasCollectFailed ? "degraded" : "running";
		case "waiting":
			return phase.isQuarantined ? "quarantined" : "restarting";
		default:
			return phase.type;
	}
}

/** The version on its way, if there is one. */
export function candidateOf<Version>({ phase }: Lifecycle<Version>): Candidate<Version> | undefined {
	return phase.type === "starting" || phase.type === "serving" ? phase.candidate : undefined;
}

/** The generation that serves, if there is one. */
export function currentOf<Version>({ phase }: Lifecycle<Version>): Current<Version> | undefined {
	return phase.type === "serving" || phase.type === "stopping" ? phase.current : undefined;
}
