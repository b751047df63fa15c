/** One collection of a module's registries, metric by metric: one that fails costs itself and no other. */
import type { MetricFailureDto } from "../wire/messages.ts";
import { toWireError } from "../wire/wire-error.ts";
import { createMirrorWatch, type MetricObject, type ShownMetric } from "./mirrored-metrics.ts";
import { findRegistries, type ModuleExports, type Registry } from "./registries.ts";

export interface CollectedRegistries {
	/** What `getMetricsAsJSON()` would give, of each registry one list, without the metrics that failed. */
	readonly lists: readonly unknown[];
	/** Families in the lists whose values are another system's totals. */
	readonly mirrored: ReadonlySet<unknown>;
	readonly failures: readonly MetricFailureDto[];
}

export interface RegistryCollection {
	/** Client libraries that packages of the module have loaded. */
	add(late: readonly ModuleExports[]): void;
	/** Whether the module has made a metric. */
	hasMetrics(exports: ModuleExports): boolean;
	/** Those that there are so far. */
	found(exports: ModuleExports): readonly object[];
	/** The module has loaded. @returns whether it has a registry */
	loaded(exports: ModuleExports): boolean;
	/** @param deadlineAt of `performance.now()`, by when a metric's own `collect()` has to have ended */
	collect(deadlineAt: number): Promise<CollectedRegistries>;
}

/** @param clients the client libraries that the module imports; none of its own code has run yet */
export function createRegistryCollection(clients: readonly ModuleExports[]): RegistryCollection {
	const mirrors = createMirrorWatch();
	for (const client of clients) mirrors.watch(client);
	/** Of the libraries' own registries: one that has a way of its own is asked as a whole. */
	const itemised = new Set(
		clients.map(({ Registry: made }) => methodOf(made)).filter((method) => method !== undefined),
	);
	/** Those that an earlier collection has given up. They are not asked again until they have answered. */
	const unanswered = new Set<MetricObject>();
	const libraries = [...clients];
	let registries: readonly Registry[] = [];

	return {
		add: (late) => void libraries.push(...late),
		found: (exports) => findRegistries(exports, libraries),
		hasMetrics: (exports) => findRegistries(exports, libraries).some((registry) => metricsOf(registry).length > 0),
		loaded(exports) {
			registries = findRegistries(exports, libraries);
			mirrors.loaded(registries.flatMap(metricsOf));
			return registries.length > 0;
		},
		async collect(deadlineAt) {
			const lists: unknown[] = [];
			const shown: ShownMetric[] = [];
			const failures: MetricFailureDto[] = [];
			for (const registry of registries) {
				if (!itemised.has(registry.getMetricsAsJSON)) {
					lists.push(await registry.getMetricsAsJSON());
					continue;
				}
				const list: unknown[] = [];
				const answers = await Promise.all(metricsOf(registry).map((metric) => ask(metric, deadlineAt)));
				for (const answer of answers) {
					if ("error" in answer) {
						failures.push({ metric: nameOf(answer.metric), error: toWireError(answer.error) });
						continue;
					}
					addDefaultLabels(registry, answer.family);
					shown.push(answer);
					list.push(answer.family);
				}
				lists.push(list);
			}
			return { lists, mirrored: mirrors.mirrored(shown), failures };
		},
	};

	async function ask(metric: MetricObject, deadlineAt: number): Promise<Answer> {
		if (unanswered.has(metric))
			return { metric, error: new Error("its collect() of an earlier collection still runs") };
		let timer: NodeJS.Timeout | undefined;
		try {
			const answer = metric.get?.();
			if (!(answer instanceof Promise)) return { metric, family: answer };
			unanswered.add(metric);
			void answer.then(
				() => unanswered.delete(metric),
				() => unanswered.delete(metric),
			);
			const late = new Promise<never>((_resolve, reject) => {
				const leftMs = Math.max(1, deadlineAt - performance.now());
				timer = setTimeout(() => reject(new Error(`its collect() did not end within the collection's time`)), leftMs);
			});
			return { metric, family: await Promise.race([answer, late]) };
		} catch (error) {
			return { metric, error };
		} finally {
			clearTimeout(timer);
		}
	}
}

type Answer = ShownMetric | { readonly metric: MetricObject; readonly error: unknown };

function methodOf(registry: unknown): unknown {
	if (typeof registry !== "function") return undefined;
	return (registry.prototype as Partial<Registry>).getMetricsAsJSON;
}

/** None of a registry that is no client library's. */
function metricsOf(registry: Registry): readonly MetricObject[] {
	const { getMetricsAsArray } = registry as { getMetricsAsArray?: unknown };
	if (typeof getMetricsAsArray !== "function") return [];
	const metrics: unknown = getMetricsAsArray.call(registry);
	return Array.isArray(metrics) ? (metrics as readonly MetricObject[]) : [];
}

/** As the libraries do it when they are asked for all metrics at once. */
function addDefaultLabels(registry: Registry, family: unknown): void {
	const { _defaultLabels: defaults } = registry as { _defaultLabels?: Readonly<Record<string, unknown>> };
	const names = Object.keys(defaults ?? {});
	const { values } = family as { readonly values?: unknown };
	if (names.length === 0 || !Array.isArray(values)) return;
	for (const value of values as { labels?: Record<string, unknown> }[]) {
		const labels = { ...value.labels };
		for (const name of names) labels[name] ??= defaults?.[name];
		value.labels = labels;
	}
}

function nameOf({ name }: MetricObject): string {
	return typeof name === "string" ? name.slice(0, MAX_NAME_CHARS) : "";
}

const MAX_NAME_CHARS = 256;
