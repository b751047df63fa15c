import { realpathSync } from "node:fs";
import { basename, dirname, join, sep } from "node:path";

/**
 * Why a module may not be granted to write a path; undefined: it may. Judged by where the path really leads, since what
 * is written there would be the host's, or code of another module.
 *
 * @param protectedPaths absolute paths of files, and of folders with all that is in them
 */
export function conflictOf(path: string, protectedPaths: readonly string[]): string | undefined {
	const wanted = realPathOf(path);
	const hit = protectedPaths.find((each) => {
		const own = realPathOf(each);
		return isWithin(wanted, own) || isWithin(own, wanted);
	});
	return hit && `must not be written by a module: ${hit} belongs to the host`;
}

/** The real path of what is there, and below that what would be. */
export function realPathOf(path: string): string {
	try {
		return realpathSync(path);
	} catch {
		const parent = dirname(path);
		return parent === path ? path : join(realPathOf(parent), basename(path));
	}
}

function isWithin(path: string, folder: string): boolean {
	return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}
