import { realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isInside } from "../../core/paths.ts";
import { isPackageName, packageFolderOf, readManifest } from "./package-folder.ts";

/**
 * Says of real paths whether they belong to packages that a module may use: those that Node would find from the
 * module's files by their names, and those of the host. It asks the file system each time, and answers by real paths: the
 * text of an import decides nothing.
 *
 * What lies above the module folder, and links there, were put there by the operator. The module folder itself is its
 * authors', whose links are followed to where the operator's packages are, and no further.
 */
export interface PackagePlaces {
	/**
	 * The folder of the package that a file belongs to.
	 *
	 * @param realPath of the file
	 * @param from absolute folder of the file that imports it
	 * @returns undefined when it is none that a module may use from there
	 */
	packageOf(realPath: string, from: string): Promise<string | undefined>;
	/** Where Node looks for a package by its name, as far as a module may follow, nearest first. */
	candidates(name: string, from: string): readonly string[];
	/** What a candidate leads to, when that is the folder of a package that a module may use. */
	follow(candidate: string): Promise<string | undefined>;
	/** The folder of the package that an operator's `node_modules` links to from outside of any, and that the file is in. */
	linkedPackageOf(realPath: string): Promise<string | undefined>;
}

/** @param realRoot real path of the module folder */
export function createPackagePlaces(realRoot: string): PackagePlaces {
	const aboveRoot = foldersFrom(dirname(realRoot));

	async function isAllowed(realPath: string, from: string): Promise<boolean> {
		for (const folder of new Set([...foldersFrom(from), ...aboveRoot, ...OWN_FOLDERS])) {
			const place = await realpath(join(folder, "node_modules")).catch(() => undefined);
			if (place === undefined || !isInside(place, realPath)) continue;
			// Also a `node_modules` may be a link, and within the module folder it is the author's.
			if (!isInside(realRoot, folder) || isInside(realRoot, place)) return true;
		}
		return false;
	}

	/** Whether a `node_modules` of the operator's leads to the package under its own name. */
	async function isLinked(folder: string): Promise<boolean> {
		if (isInside(folder, realRoot)) return false; // all that lies around the modules is no package of theirs
		const name = (await readManifest(folder))?.name;
		if (name === undefined) return false;
		for (const above of aboveRoot) {
			if ((await realpath(join(above, "node_modules", name)).catch(() => undefined)) === folder) return true;
		}
		return false;
	}

	return {
		async packageOf(realPath, from) {
			const folder = packageFolderOf(realPath);
			if (folder === undefined) return undefined;
			return (await isAllowed(folder, from)) || (await isLinked(folder)) ? folder : undefined;
		},
		candidates: (name, from) =>
			isPackageName(name)
				? foldersFrom(from)
						.filter((folder) => basename(folder) !== "node_modules")
						.map((folder) => join(folder, "node_modules", name))
				: [],
		async follow(candidate) {
			const real = await realpath(candidate).catch(() => undefined);
			if (real === undefined || isInside(real, realRoot)) return undefined;
			if (!isInside(realRoot, candidate)) return real;
			const isPackage = packageFolderOf(join(real, "x")) === real && (await isAllowed(real, dirname(candidate)));
			return isPackage || (await isLinked(real)) ? real : undefined;
		},
		async linkedPackageOf(realPath) {
			for (const folder of foldersFrom(dirname(realPath))) {
				if (isInside(folder, realRoot)) return undefined;
				if ((await readManifest(folder))?.name !== undefined) return (await isLinked(folder)) ? folder : undefined;
			}
			return undefined;
		},
	};
}

function foldersFrom(folder: string): readonly string[] {
	const parent = dirname(folder);
	return parent === folder ? [folder] : [folder, ...foldersFrom(parent)];
}

/** From where the host itself finds its packages. */
const OWN_FOLDERS = foldersFrom(import.meta.dirname);
