import type { RejectedEntry } from "./offer-check.ts";

export interface RejectionListeners {
	/** Called for what is left out of the lists: once, until the module has started without it. */
	readonly onRejected: (moduleId: string, rejected: RejectedEntry) => void;
	/** Called for a warning: once, until the module has started without it. */
	readonly onWarning: (moduleId: string, warning: string) => void;
}

/** Tells once of what is wrong with modules' offers. */
export interface RejectionNews {
	/** @param isStart whether the module has started anew: what it has not got any more is told again when it comes back */
	offered(moduleId: string, found: Findings, isStart: boolean): void;
	/** What was left out of a list for one request. It may be made up anew for each: a line a list is enough. */
	listed(moduleId: string, rejected: readonly RejectedEntry[]): void;
	forget(moduleId: string): void;
}

interface Findings {
	readonly rejected: readonly RejectedEntry[];
	readonly warnings: readonly string[];
}

export function createRejectionNews({ onRejected, onWarning }: RejectionListeners): RejectionNews {
	const told = new Map<string, ReadonlySet<string>>();
	const toldOf = (moduleId: string): ReadonlySet<string> => told.get(moduleId) ?? new Set();

	return {
		offered(moduleId, { rejected, warnings }, isStart) {
			const before = toldOf(moduleId);
			const now = new Set([...rejected.map(keyOfRejected), ...warnings]);
			for (const each of rejected) if (!before.has(keyOfRejected(each))) onRejected(moduleId, each);
			for (const each of warnings) if (!before.has(each)) onWarning(moduleId, each);
			if (isStart || before.size < MAX_TOLD) told.set(moduleId, isStart ? now : now.union(before));
		},
		listed(moduleId, rejected) {
			const before = toldOf(moduleId);
			const untold = rejected.find((each) => !before.has(keyOfRejected(each)));
			if (untold === undefined || before.size >= MAX_TOLD) return;
			onRejected(moduleId, untold);
			told.set(moduleId, before.union(new Set(rejected.map(keyOfRejected))));
		},
		forget: (moduleId) => void told.delete(moduleId),
	};
}

/** Most that is remembered as told of a module. */
const MAX_TOLD = 1000;

export function keyOfRejected({ list, name, path }: RejectedEntry): string {
	return `${list} ${name} ${path}`;
}
