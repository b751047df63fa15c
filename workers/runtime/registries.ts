/** The registries of a module, and the client libraries that they belong to. */
import { isRecord } from "../wire/json.ts";

export interface Registry {
	getMetricsAsJSON(): unknown;
}

/** What a module file or a library exports, as found. */
export type ModuleExports = Readonly<Record<string, unknown>>;

/** @param urls of the client libraries that the module, or a package of its, loads */
export function importClients(urls: readonly string[]): Promise<readonly ModuleExports[]> {
	return Promise.all(urls.map(async (url) => mergeDefault(await import(url))));
}

/** The default registry of each client library, and the one that the module exports as `registry`. */
export function findRegistries(exports: ModuleExports, clients: readonly ModuleExports[]): readonly Registry[] {
	const found = new Set<Registry>();
	for (const client of clients) {
		for (const name of ["register", "globalRegistry"]) {
			const registry = client[name];
			if (isRegistry(registry)) found.add(registry);
		}
	}
	if (isRegistry(exports["registry"])) found.add(exports["registry"]);
	return [...found];
}

/** Duck-typed: the module may bring its own copy or another version of a client library. */
function isRegistry(value: unknown): value is Registry {
	return (
		typeof value === "object" &&
		value !== null &&
		"getMetricsAsJSON" in value &&
		typeof value.getMetricsAsJSON === "function"
	);
}

/** A CommonJS module's exports arrive under `default`; names beside it win, since an ES module may have both. */
export function mergeDefault(namespace: unknown): ModuleExports {
	const outer = { ...(namespace as Record<string, unknown>) };
	const inner = outer["default"];
	if (isRecord(inner)) {
		for (const key of Object.keys(inner)) if (!(key in outer) || key === "default") outer[key] = inner[key];
	}
	return outer;
}
