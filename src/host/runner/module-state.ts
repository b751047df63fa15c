/**
 * The state of a module as it is seen from outside. `degraded` serves, but its newest version did not load or its last
 * collection failed; `quarantined` is a crash loop, whose next attempt is scheduled all the same; `failed` has no version
 * that could serve, and starts none before something changes.
 */
export const MODULE_STATES = [
	"idle",
	"starting",
	"running",
	"degraded",
	"restarting",
	"quarantined",
	"failed",
	"stopping",
	"stopped",
	"disabled",
] as const;
export type ModuleState = (typeof MODULE_STATES)[number];

/** Whether calls and collections are answered in this state. */
export function isServing(state: ModuleState): boolean {
	return state === "running" || state === "degraded";
}
