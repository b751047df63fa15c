/** Work that has to be done one after the other, by key. */
export interface Turns {
	/** Runs the work after all earlier work of the same key has ended, well or not. */
	take<T>(key: string, work: () => Promise<T>): Promise<T>;
	/** Resolves when the work that was taken so far has ended. */
	settled(): Promise<void>;
}

export function createTurns(): Turns {
	const last = new Map<string, Promise<void>>();
	return {
		take(key, work) {
			const turn = (last.get(key) ?? Promise.resolve()).then(work);
			const end = () => {
				if (last.get(key) === ended) last.delete(key);
			};
			const ended: Promise<void> = turn.then(end, end);
			last.set(key, ended);
			return turn;
		},
		async settled() {
			await Promise.all(last.values());
		},
	};
}
