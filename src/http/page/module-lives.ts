import type { HostEvent } from "../../host/host-events.ts";
import type { LifeData } from "./view/page-data.ts";

/** What each module has been through of late: which generation served when, and why it ended. */
export interface ModuleLives {
	/** @param version of the module now */
	heard(moduleId: string, event: HostEvent, version: string | undefined): void;
	/** The latest first. */
	of(moduleId: string): readonly LifeData[];
}

/** A crash loop writes two a turn. */
const MAX_KEPT = 30;

export function createModuleLives(now: () => number): ModuleLives {
	const lives = new Map<string, readonly LifeData[]>();
	const keep = (id: string, data: Omit<LifeData, "at">): void => {
		const entry = { at: new Date(now()).toISOString(), ...data };
		lives.set(id, [entry, ...(lives.get(id) ?? [])].slice(0, MAX_KEPT));
	};
	return {
		heard(id, event, version) {
			if (event.type === "removed") lives.delete(id);
			if (event.type === "restarted") keep(id, { what: "ended", reason: event.reason });
			if (event.type === "serving") {
				keep(id, { what: "serving", generation: event.generation, ...(version !== undefined && { version }) });
			}
		},
		of: (id) => lives.get(id) ?? [],
	};
}
