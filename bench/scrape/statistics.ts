/** Median and quartiles, which a few slow rounds of a noisy machine do not move. */
export interface Spread {
	readonly median: number;
	readonly p25: number;
	readonly p75: number;
	readonly max: number;
	readonly n: number;
}

export function spreadOf(numbers: readonly number[]): Spread {
	const sorted = numbers.toSorted((one, other) => one - other);
	const at = (fraction: number): number => {
		const value = sorted[Math.min(sorted.length - 1, Math.floor(fraction * sorted.length))] ?? Number.NaN;
		return Number(value.toPrecision(4));
	};
	return { median: at(0.5), p25: at(0.25), p75: at(0.75), max: at(1), n: sorted.length };
}
