import type { ModuleEvent } from "./runner/runner-types.ts";
import type { Isolation } from "./worker/worker.ts";

/** What happens to a module, for those who count, list or show it. What it logs is in the host's log already. */
export type HostEvent =
	| { readonly type: "added" }
	/** `heirs` are modules that came as it went: its file may have been moved. */
	| { readonly type: "removed"; readonly heirs: readonly string[] }
	/** It serves, behind this wall. */
	| { readonly type: "isolated"; readonly isolation: Isolation }
	| Exclude<ModuleEvent, { readonly type: "logged" | "warned" }>;

/** Must not throw. */
export type OnHostEvent = (moduleId: string, event: HostEvent) => void;

export interface HostListener {
	readonly onEvent: OnHostEvent;
	/** All modules that were there at the start have been compiled, or have failed to be, and each was `added`. */
	onDiscovered(): void;
}
