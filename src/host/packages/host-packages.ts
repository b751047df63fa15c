import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { closePackages } from "./package-closure.ts";
import { packageFolderOf } from "./package-folder.ts";
import { createPackagePlaces } from "./package-places.ts";

/** What every worker imports for itself, of the packages that the host came with. */
const RUNTIME_PACKAGES = ["piscina", "prom-client", "zod", "@modelcontextprotocol/server"];

/** By which names modules import what the runtime has too. */
const LIBRARY_ENTRIES = [
	"prom-client",
	"@prometheus-io/client",
	"@platformatic/prom-client",
	"@modelcontextprotocol/server",
	"@modelcontextprotocol/server/stdio",
	"zod",
	"zod/mini",
	"zod/v3",
	"zod/v4",
	"zod/v4/core",
	"zod/v4-mini",
];

/**
 * Real paths of the files that these names lead to in the host's own packages, for `import` and for `require`. They may run in
 * a worker before it is locked, and nothing beside them in their packages: no text of a module's says which file that is.
 */
export const HOST_LIBRARY_FILES: ReadonlySet<string> = new Set(LIBRARY_ENTRIES.flatMap(filesOf));

/** Absolute paths of what every worker reads of the host's packages. */
export const HOST_PACKAGE_READS: readonly string[] = await readsOf(RUNTIME_PACKAGES);

function filesOf(name: string): readonly string[] {
	const require = createRequire(import.meta.url);
	return [() => fileURLToPath(import.meta.resolve(name)), () => require.resolve(name)].flatMap((resolve) => {
		try {
			return [realpathSync(resolve())];
		} catch {
			return []; // it did not come with the host, or has no such file for the one way of importing
		}
	});
}

async function readsOf(names: readonly string[]): Promise<readonly string[]> {
	const folders = names.flatMap(filesOf).flatMap((file) => packageFolderOf(file) ?? dirname(file));
	const use = {
		folders: new Set(folders),
		entries: new Set<string>(),
		names: names.map((name) => ({ name, from: import.meta.dirname })),
	};
	return (await closePackages(use, createPackagePlaces(import.meta.dirname))).reads;
}
