/** Values that a module could put where a number, a text or an object is expected, made anew for each use. */
import * as fc from "fast-check";

const HOSTILE: Readonly<Record<string, () => unknown>> = {
	function: () => () => 1,
	symbol: () => Symbol("s"),
	bigint: () => 7n,
	date: () => new Date(0),
	"invalid date": () => new Date(Number.NaN),
	"forged date": () => Object.assign(new Date(0), { toString: () => 'x"} 1\n' }),
	map: () => new Map([["a", "b"]]),
	cycle() {
		const cycle: Record<string, unknown> = {};
		cycle["values"] = [cycle];
		cycle["labels"] = cycle;
		return cycle;
	},
	"throwing getters": () =>
		Object.defineProperties(
			{},
			Object.fromEntries(
				["name", "help", "type", "values", "labels", "value", "metricName", "exemplar", "timestamp", "a"].map((key) => [
					key,
					{ enumerable: true, get: () => fail() },
				]),
			),
		),
	"throwing proxy": () =>
		new Proxy({}, { get: fail, ownKeys: fail, getOwnPropertyDescriptor: fail, has: fail, getPrototypeOf: fail }),
	"revoked proxy"() {
		const { proxy, revoke } = Proxy.revocable([], {});
		revoke();
		return proxy;
	},
	"proxy that has everything": () =>
		new Proxy({}, { get: (_, key) => (key === "length" ? 1e9 : "x"), ownKeys: () => ["a", "b"] }),
	"array that claims to be endless": () =>
		new Proxy([], { get: (_, key) => (key === "length" ? Number.MAX_SAFE_INTEGER : undefined) }),
	"array of infinite length": () => new Proxy([], { get: (_, key) => (key === "length" ? Infinity : undefined) }),
	"array of negative length": () => new Proxy([], { get: (_, key) => (key === "length" ? -1 : undefined) }),
	"array whose length is text": () => new Proxy([], { get: (_, key) => (key === "length" ? "7" : undefined) }),
	"array with an element that throws": () => Object.defineProperty([{}, {}], 0, { enumerable: true, get: fail }),
	"array whose iterator is endless": () =>
		Object.assign([1], {
			*[Symbol.iterator]() {
				for (;;) yield {};
			},
		}),
	"sparse array"() {
		const sparse: unknown[] = [];
		sparse.length = 2 ** 32 - 1;
		return sparse;
	},
	"object with a changing getter"() {
		let reads = 0;
		return {
			get value() {
				return reads++ === 0 ? 1 : 'evil"';
			},
			labels: {},
		};
	},
	"boxed number": () => new Number(7),
	"toJSON forger": () => ({ toJSON: () => '"],["f","evil","h","gauge"' }),
	"toPrimitive forger": () => ({ [Symbol.toPrimitive]: () => "7", toString: () => "7", valueOf: () => 7 }),
	"own __proto__": () => JSON.parse('{"__proto__": {"a": "1"}, "constructor": "x"}'),
	"typed array": () => new Float64Array(3),
	"line separator": () => 'x"]]\n["f","evil","h","gauge"]\n["s",[[[],666]]]',
	"injected sample": () => 'x"} 1\nevil{a="',
	"lone surrogate": () => "\ud800",
	"long text": () => "x".repeat(70_000),
	"negative zero": () => -0,
	subnormal: () => Number.MIN_VALUE,
	largest: () => Number.MAX_VALUE,
	"not a number": () => Number.NaN,
	infinity: () => Number.POSITIVE_INFINITY,
	"negative infinity": () => Number.NEGATIVE_INFINITY,
	undefined: () => undefined,
	null: () => null,
	true: () => true,
	empty: () => "",
	array: () => [1, 2],
};

/**
 * Stands for a hostile value while fast-check generates, shrinks and prints: it looks into what it made, which the
 * values do not suffer.
 */
class Placeholder {
	readonly hostile: string;

	constructor(hostile: string) {
		this.hostile = hostile;
	}
}

/** Any of them; shrinks towards the first. */
export const hostile: fc.Arbitrary<unknown> = fc
	.constantFrom(...Object.keys(HOSTILE))
	.map((name) => new Placeholder(name));

/** A copy of generated data with the hostile values themselves in place of what stands for them. */
export function withHostileValues(data: unknown): unknown {
	if (data instanceof Placeholder) return HOSTILE[data.hostile]?.();
	if (Array.isArray(data)) return data.map(withHostileValues);
	if (typeof data !== "object" || data === null) return data;
	// defineProperty, since a label may be called __proto__.
	const copy = {};
	for (const [key, value] of Object.entries(data)) {
		Object.defineProperty(copy, key, { value: withHostileValues(value), enumerable: true, configurable: true });
	}
	return copy;
}

function fail(): never {
	throw new Error("a module's code threw");
}
