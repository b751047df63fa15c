import { basename, dirname, join } from "node:path";
import type { FileStamp } from "../../core/file-fingerprint.ts";
import { isInside } from "../../core/paths.ts";
import { readRegularFile } from "../../core/regular-file.ts";
import { isInNodeModules, packageFolderOf } from "../packages/package-folder.ts";
import type { PackagePlaces } from "../packages/package-places.ts";
import type { ModulePaths } from "./module-paths.ts";

/** What a file that may be compiled into a module holds. */
export type GuardedRead =
	| { readonly ok: true; readonly contents: Buffer; readonly stamp: FileStamp }
	/** `problem` is a sentence for the place that imports the file. */
	| { readonly ok: false; readonly problem: string };

/**
 * Stands between a module's imports and the disk. Modules are compiled with the host's rights, so one could otherwise
 * import `../.env` as text, or learn its lines from an error message; wait for ever at a FIFO; or read from `/dev/zero`.
 *
 * A module is compiled from its own module folder, from packages that a `node_modules` above the module folder links to, as
 * workspaces do, and from what Node does not load by itself of the packages that it imports. A symbolic link is judged by
 * where it leads, once more when it has been opened.
 */
export interface SourceGuard {
	/** @param realPath of a file, or of the folder of a package, that a link at `link` leads to */
	isPackageLink(realPath: string, link: string): Promise<boolean>;
	/** The module imports an installed package that it may use: its files may be read. */
	admit(folder: string): void;
	read(realPath: string): Promise<GuardedRead>;
}

/** The largest file that is read for a module, in bytes. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;

/** @param places where packages may lie for this module */
export function createSourceGuard(paths: ModulePaths, places: PackagePlaces): SourceGuard {
	const folder = `${basename(paths.root)}/`;
	const admitted = new Set<string>();

	async function isAllowed(realPath: string): Promise<boolean> {
		if (isInNodeModules(realPath)) return admitted.has(packageFolderOf(realPath) ?? "");
		return isInside(paths.realRoot, realPath) || (await places.linkedPackageOf(realPath)) !== undefined;
	}

	async function read(realPath: string): Promise<GuardedRead> {
		const name = paths.say(realPath);
		if (!(await isAllowed(realPath))) {
			const what = realPath === paths.realEntry ? `${name} is a symbolic link that leads` : `${name} lies`;
			return refused(`${what} outside of ${folder}. ${adviseOutside(folder)}`);
		}
		if (realPath.endsWith(".node")) return refused(describeAddon(name));
		const file = await readRegularFile(realPath, MAX_FILE_BYTES);
		switch (file.type) {
			case "read":
				if (file.realPath === realPath || (await isAllowed(file.realPath))) return { ok: true, ...file };
				return refused(`${name} was replaced by a symbolic link while it was read. ${adviseOutside(folder)}`);
			case "too large":
				return refused(`${name} ${TOO_LARGE}`);
			case "irregular":
				return refused(`${name} is not a regular file, and nothing else can be imported.`);
			case "failed":
				return refused(`${name} cannot be read: ${file.code}`);
		}
	}

	return {
		async isPackageLink(realPath, link) {
			const inside = join(realPath, "any"); // so that the folder itself is found
			if ((await places.packageOf(inside, dirname(link))) !== undefined) return true;
			return (await places.linkedPackageOf(inside)) !== undefined;
		},
		admit: (packageFolder) => void admitted.add(packageFolder),
		read,
	};
}

/** @param name of the file, as its author says it */
export function describeAddon(name: string): string {
	return `${name} is a native add-on. ${NO_ADDONS}`;
}

const TOO_LARGE = `is larger than ${MAX_FILE_BYTES / 1024 ** 2} MiB, the most that is compiled. Read such data when the module runs.`;
const NO_ADDONS =
	"Add-ons are not available to modules, because they run outside of every limit. " +
	"Use a package that does without, or install it with `npm install --ignore-scripts` when it has a fallback in JavaScript.";

function adviseOutside(folder: string): string {
	return (
		`A module is compiled from its own module folder and from packages: move the file into ${folder} ` +
		`(a name that begins with "_" is no module), or make it a package.`
	);
}

function refused(problem: string): GuardedRead {
	return { ok: false, problem };
}
