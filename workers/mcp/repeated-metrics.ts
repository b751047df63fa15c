/** A registry of any of the client libraries. */
interface MetricRegistry {
	registerMetric?(metric: object): void;
	getSingleMetric?(name: string): object | undefined;
}

/**
 * Lets the module's function make its metrics each time that it runs: once for each kind of client, and again on
 * `toolsChanged()`. A metric of the same class, name and labels as one that an earlier run has made is that one: whatever is
 * called on it is called on the first. In the first run, and of what is made at the top of the file, a name given twice stays
 * an error.
 *
 * @returns to be called when the function has run once
 */
export function allowRepeatedMetrics(registries: Iterable<object>): () => void {
	const own = new Set<object>();
	let isFirstRun = true;
	for (const registry of registries as Iterable<MetricRegistry>) {
		const register = registry.registerMetric?.bind(registry);
		if (register === undefined) continue;
		registry.registerMetric = (metric) => {
			const existing = registry.getSingleMetric?.(nameOf(metric));
			if (existing === undefined || existing === metric) {
				register(metric);
				own.add(metric);
			} else if (!isFirstRun && own.has(existing) && isAlike(metric, existing)) {
				standInFor(metric, existing);
			} else {
				throw new Error(
					`A metric with the name ${nameOf(metric)} has already been registered: make metrics at the top of the file, since this function runs once for each kind of client`,
				);
			}
		};
	}
	return () => {
		isFirstRun = false;
	};
}

function isAlike(metric: object, existing: object): boolean {
	return metric.constructor === existing.constructor && labelsOf(metric) === labelsOf(existing);
}

/** Whoever has the one calls the other, whatever the library keeps in its objects. */
function standInFor(metric: object, existing: object): void {
	const target = existing as Readonly<Record<string, unknown>>;
	for (const key of methodNames(existing)) {
		const method = target[key];
		if (typeof method !== "function" || Object.hasOwn(metric, key)) continue;
		const call = (...args: unknown[]): unknown => Reflect.apply(method, existing, args);
		Object.defineProperty(metric, key, { get: () => call, set: ignoreAssignment, configurable: true });
	}
}

/** The constructor, which still runs, may set a method once more. */
function ignoreAssignment(): void {
	// stays the first metric's
}

function methodNames(metric: object): ReadonlySet<string> {
	const names = new Set<string>();
	let from: unknown = metric;
	while (typeof from === "object" && from !== null && from !== Object.prototype) {
		for (const key of Object.getOwnPropertyNames(from)) names.add(key);
		from = Object.getPrototypeOf(from);
	}
	names.delete("constructor");
	return names;
}

function nameOf(metric: object): string {
	return String((metric as { readonly name?: unknown }).name);
}

function labelsOf(metric: object): string {
	const { labelNames } = metric as { readonly labelNames?: unknown };
	return JSON.stringify(Array.isArray(labelNames) ? labelNames.map(String).toSorted(byCodeUnit) : []);
}

function byCodeUnit(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0;
}
