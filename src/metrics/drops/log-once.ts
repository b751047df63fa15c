/** What the log has been told: each thing once, and when there are too many of them, that there are more. */
export interface ToldOnce {
	/** `new` for what is to be told, `more` once for all that is not told because there was too much. */
	tell(key: string): "new" | "more" | "told";
	/** Whether there was more than is told. */
	isFull(): boolean;
	/** All of it is new again. */
	clear(): void;
}

/** @param most how many are told, and kept as text */
export function createToldOnce(most: number): ToldOnce {
	const told = new Set<string>();

	return {
		tell(key) {
			if (told.size > most || told.has(key)) return "told";
			told.add(key);
			return told.size > most ? "more" : "new";
		},
		isFull: () => told.size > most,
		clear: () => told.clear(),
	};
}
