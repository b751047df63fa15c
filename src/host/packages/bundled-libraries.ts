import { existsSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A library that the worker's runtime was bundled with (scripts/bundle-workers.mjs). */
export interface BundledLibrary {
	/** Absolute real path of the file that gives a module the very instance that the runtime has. */
	readonly path: string;
	/** Name of the script that contains it. */
	readonly script: string;
}

/** By the real path of the file of an installed package that it stands for: the host's own copy, never an author's. */
export type BundledLibraries = ReadonlyMap<string, BundledLibrary>;

/**
 * Those that the build has put beside the worker entries.
 *
 * @param workers absolute path of the folder of the worker entries
 * @returns none where the workers run from their sources: there modules and runtime share what is in node_modules
 * @throws when what the build has written is not whole
 */
export function readBundledLibraries(workers: string): BundledLibraries {
	const list = join(workers, "libraries.json");
	if (!existsSync(list)) return new Map();
	const scripts = JSON.parse(readFileSync(list, "utf8")) as Readonly<Record<string, Readonly<Record<string, string>>>>;
	return new Map(
		Object.entries(scripts).flatMap(([script, libraries]) =>
			Object.entries(libraries).map(([specifier, file]): [string, BundledLibrary] => [
				realpathSync(fileURLToPath(import.meta.resolve(specifier))),
				{ path: realpathSync(join(workers, file)), script },
			]),
		),
	);
}
