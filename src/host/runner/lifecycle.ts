import { BulkheadError } from "../../core/errors.ts";

/**
 * The life of a module. `degraded` serves, but its newest version did not load or its last collection failed;
 * `quarantined` is a crash loop, whose next attempt is scheduled all the same.
 */
export type ModuleState =
	| "idle"
	| "starting"
	| "running"
	| "degraded"
	| "restarting"
	| "quarantined"
	| "stopping"
	| "stopped"
	| "disabled";

export const MODULE_STATES = [
	"idle",
	"starting",
	"running",
	"degraded",
	"restarting",
	"quarantined",
	"stopping",
	"stopped",
	"disabled",
] as const satisfies readonly ModuleState[];

const TRANSITIONS: Readonly<Record<ModuleState, readonly ModuleState[]>> = {
	idle: ["starting", "stopping"],
	starting: ["running", "degraded", "restarting", "quarantined", "stopping"],
	running: ["degraded", "restarting", "quarantined", "stopping"],
	degraded: ["running", "restarting", "quarantined", "stopping"],
	restarting: ["starting", "stopping"],
	quarantined: ["starting", "stopping"],
	stopping: ["stopped", "disabled"],
	stopped: [],
	disabled: ["starting", "stopping"],
};

/** @throws {BulkheadError} ILLEGAL_TRANSITION when a module cannot go from the one state to the other */
export function transition(from: ModuleState, to: ModuleState, moduleId: string): ModuleState {
	if (TRANSITIONS[from].includes(to)) return to;
	throw new BulkheadError("ILLEGAL_TRANSITION", `${moduleId} cannot go from ${from} to ${to}`);
}

/** Whether calls and collections are answered in this state. */
export function isServing(state: ModuleState): boolean {
	return state === "running" || state === "degraded";
}
