/** Brings the counters of modules over a restart of the host, by way of a store. */
import type { CounterContinuity } from "./continuity.ts";
import { decodeCounters, encodeCounters } from "./counter-file.ts";
import type { CounterStore } from "./persistence.ts";
import type { Slicer } from "../../core/time-slicer.ts";

export interface CounterKeeper {
	/** Gives a module what a host before this one had counted; call it before the module's first snapshot is applied. */
	restore(moduleId: string, continuity: CounterContinuity): Promise<void>;
	/**
	 * Call it with every snapshot, and before anybody sees it: the host that takes over must not begin below what was shown.
	 * @param isCurrent false once the module is gone, and what was kept with it
	 */
	keep(moduleId: string, continuity: CounterContinuity, isCurrent: () => boolean): Promise<void>;
	forget(moduleId: string): void;
}

export function createCounterKeeper(store: CounterStore, slicer: Slicer): CounterKeeper {
	/** The revision that the store has. */
	const kept = new WeakMap<CounterContinuity, number>();

	return {
		async restore(moduleId, continuity) {
			if (kept.has(continuity)) return;
			const text = await store.load(moduleId);
			const totals = text === undefined ? [] : await slicer.run(decodeCounters(moduleId, text));
			if (totals === undefined) await store.reject(moduleId, "its file is damaged");
			for (const series of totals ?? []) continuity.restore(series);
			kept.set(continuity, continuity.revision);
		},
		async keep(moduleId, continuity, isCurrent) {
			const { revision } = continuity;
			if (kept.get(continuity) === revision) return;
			const text = continuity.isEmpty ? undefined : await slicer.run(encodeCounters(moduleId, continuity.totals()));
			if (!isCurrent()) return;
			await store.save(moduleId, text);
			kept.set(continuity, revision);
		},
		forget: (moduleId) => void store.save(moduleId, undefined),
	};
}
