import { METRICS_CLIENTS } from "../../../workers/wire/metrics-clients.ts";

/**
 * Libraries that a bundle imports instead of containing them: the worker's runtime and the module have to see the same
 * registry and the same SDK, and what every module needs is parsed once.
 */
export const SHARED_IMPORT =
	/^(?:prom-client|@prometheus-io\/client|@platformatic\/prom-client|@modelcontextprotocol\/server|zod)(?:\/|$)/;

export interface SharedLibrary {
	/** Of the package, without a subpath. */
	readonly name: string;
	/** Absolute real path of the file that the bundle imports. */
	readonly path: string;
}

export function isClientLibrary(library: SharedLibrary): boolean {
	return METRICS_CLIENTS.includes(library.name);
}

/** The package that a specifier such as `zod/v4` or `@scope/name/sub` belongs to. */
export function packageOf(specifier: string): string {
	return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}
