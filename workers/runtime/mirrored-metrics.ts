/**
 * Which metrics mirror the totals of another system: their value is the source's, and not a count that began with this
 * worker. No client library can set a counter, so authors reset it and add the absolute value, remove a series and make
 * it anew, make the whole metric anew, or write into the library's own store (prometheus/client_js#192, #618).
 *
 * It is seen where it happens, on the classes that the module uses. A module that deceives this falsifies its own numbers.
 */

export interface MirrorWatch {
	/** Watches the classes of a client library. Call it before the module's own code runs. */
	watch(client: Readonly<Record<string, unknown>>): void;
	/** The module has loaded. Until now a reset was a fresh start, unless the metric has a value by now. */
	loaded(metrics: Iterable<MetricObject>): void;
	/**
	 * Call it after each collection, with all metrics that there are and what each of them showed.
	 * @returns the shown families that are mirrors
	 */
	mirrored(shown: readonly ShownMetric[]): ReadonlySet<unknown>;
}

/** A metric of a client library, as it stands in its registry. */
export interface MetricObject {
	readonly name?: unknown;
	readonly type?: unknown;
	get?(): unknown;
}

export interface ShownMetric {
	readonly metric: MetricObject;
	/** What `metric.get()` gave. */
	readonly family: unknown;
}

export function createMirrorWatch(): MirrorWatch {
	const watched = new WeakSet<object>();
	/** Constructors call `reset()` as well: theirs is the first call. */
	const constructed = new WeakSet<object>();
	const resetWhileLoading = new WeakSet<object>();
	const mirrors = new WeakSet<object>();
	/** Counters that were incremented: one that never was, and has a value, was set by other means. */
	const incremented = new WeakSet<object>();
	/** By metric, the label sets that were removed since the collection before. */
	let removedSeries = new Map<object, Set<string>>();
	let removedMetrics = new Set<unknown>();
	let cleared = false;
	let isLoaded = false;
	/** What the collection before has shown, by name. A mirror that is made anew stays one. */
	let known = new Map<unknown, { readonly metric: object; readonly store: unknown; readonly isMirror: boolean }>();

	function watchReset(prototype: object): void {
		wrap(prototype, "reset", (metric) => {
			if (!constructed.has(metric)) constructed.add(metric);
			else if (isLoaded) mirrors.add(metric);
			else resetWhileLoading.add(metric);
		});
	}

	function watchRemove(prototype: object): void {
		wrap(prototype, "remove", (metric, args) => {
			let series = removedSeries.get(metric);
			if (series === undefined) removedSeries.set(metric, (series = new Set()));
			if (series.size < MAX_REMOVED) series.add(seriesKey(labelsOf(metric, args)));
		});
	}

	/** Hears of the first increment alone: it is the busiest function of a client library. */
	function watchIncrement(prototype: object): void {
		const wrapper = wrap(prototype, "incWithoutExemplar", (metric, _args, original) => {
			incremented.add(metric);
			if (Reflect.get(metric, "inc") === wrapper) Reflect.set(metric, "inc", original);
		});
	}

	function watchRegistry(prototype: object): void {
		wrap(prototype, "clear", () => {
			if (isLoaded) cleared = true;
		});
		wrap(prototype, "removeSingleMetric", (_registry, [name]) => {
			if (isLoaded && removedMetrics.size < MAX_REMOVED) removedMetrics.add(name);
		});
	}

	function isMirror({ metric, family }: ShownMetric): boolean {
		if (mirrors.has(metric)) return true;
		const before = known.get(metric.name);
		if (before?.isMirror === true) return true;
		if (before === undefined ? cleared || removedMetrics.has(metric.name) : before.metric !== metric) return true;
		if (before !== undefined && before.store !== storeOf(metric)) return true;
		const removed = removedSeries.get(metric);
		if (removed !== undefined && samplesOf(family).some((sample) => removed.has(seriesKey(sample["labels"]))))
			return true;
		return metric.type === "counter" && wasSet(metric, family);
	}

	function wasSet(metric: object, family: unknown): boolean {
		const { constructor: made } = metric;
		return watched.has(made) && !incremented.has(metric) && samplesOf(family).some(({ value }) => value !== 0);
	}

	return {
		watch(client) {
			for (const name of ["Counter", "Histogram", "Summary"]) {
				const made = client[name];
				if (typeof made !== "function" || watched.has(made)) continue;
				watched.add(made);
				const prototype = made.prototype as object;
				watchReset(prototype);
				watchRemove(prototype);
				if (name === "Counter") watchIncrement(prototype);
			}
			const registry = client["Registry"];
			if (typeof registry !== "function" || watched.has(registry)) return;
			watched.add(registry);
			watchRegistry(registry.prototype as object);
		},
		loaded(metrics) {
			isLoaded = true;
			removedSeries = new Map();
			for (const metric of metrics) {
				if (resetWhileLoading.has(metric) && hasValue(metric)) mirrors.add(metric);
				known.set(metric.name, { metric, store: storeOf(metric), isMirror: false });
			}
		},
		mirrored(shown) {
			const found = new Set<unknown>();
			const next: typeof known = new Map();
			for (const each of shown) {
				const isOne = MIRRORED_TYPES.has(each.metric.type) && guarded(() => isMirror(each), false);
				if (isOne) found.add(each.family);
				next.set(each.metric.name, { metric: each.metric, store: storeOf(each.metric), isMirror: isOne });
			}
			known = next;
			removedSeries = new Map();
			removedMetrics = new Set();
			cleared = false;
			return found;
		},
	};
}

/** Most removed label sets, and metrics, that are kept from one collection to the next. */
const MAX_REMOVED = 10_000;
const MIRRORED_TYPES: ReadonlySet<unknown> = new Set(["counter", "histogram", "summary"]);

/** Puts a look in front of a method; whatever goes wrong with the look, the method runs as it did. */
function wrap(
	prototype: object,
	name: string,
	look: (self: object, args: readonly unknown[], original: unknown) => void,
): unknown {
	const original: unknown = Reflect.get(prototype, name);
	if (typeof original !== "function") return undefined;
	const { value: wrapper } = Object.getOwnPropertyDescriptor(
		{
			[name](this: object, ...args: unknown[]): unknown {
				guarded(() => look(this, args, original), undefined);
				return Reflect.apply(original, this, args);
			},
		},
		name,
	) as { readonly value: unknown };
	Object.defineProperty(prototype, name, { value: wrapper, writable: true, configurable: true });
	return wrapper;
}

/** Where a metric keeps its series; replaced when it is reset, save in a summary. */
function storeOf(metric: object): unknown {
	return guarded((): unknown => Reflect.get(metric, "store") ?? Reflect.get(metric, "hashMap"), undefined);
}

function hasValue(metric: object): boolean {
	return guarded(() => {
		const store = storeOf(metric) as { values?: () => Iterable<unknown> };
		const entries: Iterable<unknown> = typeof store.values === "function" ? store.values() : Object.values(store);
		for (const entry of entries) {
			const { value, count, sum } = entry as Readonly<Record<string, unknown>>;
			if (typeof value === "number" ? value !== 0 : Boolean(count) || Boolean(sum)) return true;
		}
		return false;
	}, false);
}

function samplesOf(family: unknown): readonly Readonly<Record<string, unknown>>[] {
	const { values } = family as { readonly values?: unknown };
	return Array.isArray(values) ? (values as readonly Readonly<Record<string, unknown>>[]) : [];
}

/** What `remove()` was given: an object of labels, or their values in the order of the names. */
function labelsOf(metric: object, args: readonly unknown[]): unknown {
	if (typeof args[0] === "object") return args[0];
	const names = Reflect.get(metric, "labelNames") as readonly string[];
	return Object.fromEntries(names.map((name, index) => [name, args[index]]));
}

function seriesKey(labels: unknown): string {
	const entries = Object.entries((labels ?? {}) as Readonly<Record<string, unknown>>)
		.filter(([name, value]) => name !== "le" && name !== "quantile" && value !== undefined)
		.map(([name, value]) => [name, String(value)]);
	return JSON.stringify(entries.toSorted(([one = ""], [other = ""]) => (one < other ? -1 : 1)));
}

/** A module owns these objects: getters throw. */
function guarded<Result>(work: () => Result, otherwise: Result): Result {
	try {
		return work();
	} catch {
		return otherwise;
	}
}
