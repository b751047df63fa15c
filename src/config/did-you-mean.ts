/**
 * The name that was probably meant by one that is not known, for a hint.
 *
 * Short names are like too many others, so neither they nor what resembles them is guessed at. A unit at the end (`_MS`)
 * that is wrong or left out is one mistake, as a wrong letter is.
 */
export function similarName(name: string, known: readonly string[]): string | undefined {
	if (name.length < SHORTEST_NAME) return undefined;
	let best: string | undefined;
	let least = MOST_EDITS + 1;
	for (const candidate of known) {
		if (candidate.length < SHORTEST_NAME) continue;
		const edits = Math.min(
			editDistance(name.toUpperCase(), candidate),
			editDistance(withoutUnit(name.toUpperCase()), withoutUnit(candidate)) + 1,
		);
		if (edits < least) [best, least] = [candidate, edits];
	}
	return best;
}

const SHORTEST_NAME = 8;
const MOST_EDITS = 2;

function withoutUnit(name: string): string {
	return name.replace(/_(MS|S|SEC|SECONDS|MB|KB|BYTES)$/, "");
}

/** Letters to insert, delete or replace to make one text of the other (Levenshtein). */
function editDistance(a: string, b: string): number {
	let row = Array.from({ length: b.length + 1 }, (_, index) => index);
	for (let i = 1; i <= a.length; i++) {
		const next = [i];
		for (let j = 1; j <= b.length; j++) {
			const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
			next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
		}
		row = next;
	}
	return row[b.length] ?? 0;
}
