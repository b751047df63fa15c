/**
 * Numbers: from the snapshot, from bucket and quantile labels, and as the two formats write them.
 */

/** A sample's value as the snapshot carries it; undefined when the module gave something that is no number. */
export function readValue(wire: unknown): number | undefined {
	if (typeof wire === "number") return wire;
	switch (wire) {
		case "NaN":
			return Number.NaN;
		case "+Inf":
			return Number.POSITIVE_INFINITY;
		case "-Inf":
			return Number.NEGATIVE_INFINITY;
		default:
			return undefined;
	}
}

/** The number that a `le` or `quantile` label names; NaN when it names none. */
export function readBound(text: string): number {
	if (DECIMAL.test(text)) return Number(text);
	const infinity = INFINITY.exec(text);
	if (infinity === null) return Number.NaN;
	return infinity[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

export function formatValue(value: number): string {
	if (value - value === 0) return `${value}`;
	return value > 0 ? "+Inf" : value < 0 ? "-Inf" : "NaN";
}

/** A bound as OpenMetrics wants it: always recognisable as a float (`1.0`), so that every exposer writes the same label. */
export function formatFloat(value: number): string {
	const text = formatValue(value);
	return INTEGER.test(text) ? `${text}.0` : text;
}

/** A sum of two totals, never `NaN` where one of them is infinite in the other direction: the newer one wins. */
export function addTotals(before: number, now: number): number {
	const sum = before + now;
	return Number.isNaN(sum) ? now : sum;
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INFINITY = /^([+-]?)inf(?:inity)?$/i;
const INTEGER = /^-?\d+$/;
