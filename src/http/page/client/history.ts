import { type PageEntries, USAGE, type UsageData } from "../view/page-data.ts";
import { SPARK_POINTS } from "../view/sparkline.ts";

/** The latest values of each module, for its lines: as many as a line has room for. */
export interface UsageHistory {
	/** Takes down what the modules use now. */
	record(entries: PageEntries): void;
	of(id: string): { readonly memory: readonly number[]; readonly eventLoop: readonly number[] };
}

export function createUsageHistory(): UsageHistory {
	let kept = new Map<string, { memory: number[]; eventLoop: number[] }>();
	return {
		record(entries) {
			const next: typeof kept = new Map();
			for (const [key, value] of Object.entries(entries)) {
				if (!key.startsWith(USAGE)) continue;
				const id = key.slice(USAGE.length);
				const { memory_bytes: memory, event_loop: eventLoop } = value as UsageData;
				const lines = kept.get(id) ?? { memory: [], eventLoop: [] };
				next.set(id, { memory: extended(lines.memory, memory), eventLoop: extended(lines.eventLoop, eventLoop) });
			}
			kept = next; // a module that is gone is forgotten
		},
		of: (id) => kept.get(id) ?? { memory: [], eventLoop: [] },
	};
}

function extended(values: number[], value: number | null): number[] {
	return [...values, value ?? 0].slice(-SPARK_POINTS);
}
