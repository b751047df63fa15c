import { realpath } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import { isInside } from "../../core/paths.ts";

/**
 * The two names that a file of a module has: its real path, by which esbuild knows it, and the path below the module
 * folder, by which its author does. They differ where symbolic links lead from one to the other, as in a mounted
 * Kubernetes ConfigMap, whose real paths change with every update although nothing else may have.
 */
export interface ModulePaths {
	/** Absolute path of the module folder as configured. */
	readonly root: string;
	readonly realRoot: string;
	readonly realEntry: string;
	/** The real folder that holds the entry as `root` does. Paths relative to it are the same after an update. */
	readonly base: string;
	/** The author's absolute path of a real one; the real one again where the author has no other. */
	locate(realPath: string): Promise<string>;
	/** As `locate`, from what `locate` was asked before. */
	located(realPath: string): string;
	/** How the author would say it, e.g. `metrics/disk.ts`. */
	say(realPath: string): string;
}

/** @throws the error of `realpath` when the folder or the entry is gone */
export async function resolveModulePaths(root: string, entry: string): Promise<ModulePaths> {
	const [realRoot, realEntry] = await Promise.all([realpath(root), realpath(entry)]);
	const below = `${sep}${relative(root, entry)}`;
	const base = realEntry.endsWith(below) ? realEntry.slice(0, -below.length) : realRoot;
	const known = new Map([[realEntry, entry]]);

	async function locate(realPath: string): Promise<string> {
		let path = known.get(realPath);
		if (path === undefined) {
			path = await findBelow(root, [base, realRoot], realPath);
			known.set(realPath, path);
		}
		return path;
	}
	const located = (realPath: string) => known.get(realPath) ?? realPath;

	return { root, realRoot, realEntry, base, locate, located, say: (realPath) => sayPath(root, located(realPath)) };
}

/**
 * A path the way its author would say it: relative to what holds the module folder. Of what lies elsewhere, no more than
 * the author has written: where on the machine that is, is nobody's business who reads a module's problems.
 */
export function sayPath(root: string, path: string): string {
	const parent = dirname(root);
	if (isInside(parent, path)) return relative(parent, path).replaceAll(sep, "/");
	const packages = path.lastIndexOf(`${sep}node_modules${sep}`);
	return packages === -1 ? basename(path) : path.slice(packages + 1).replaceAll(sep, "/");
}

async function findBelow(root: string, realRoots: readonly string[], realPath: string): Promise<string> {
	for (const realRoot of realRoots) {
		if (!isInside(realRoot, realPath)) continue;
		const path = join(root, relative(realRoot, realPath));
		if (path === realPath || (await leadsTo(path, realPath))) return path;
	}
	return realPath;
}

async function leadsTo(path: string, realPath: string): Promise<boolean> {
	try {
		return (await realpath(path)) === realPath;
	} catch {
		return false;
	}
}
