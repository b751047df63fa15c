import { realpath } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import type { FileStamp } from "./file-fingerprint.ts";
import { isInside, type ModulePaths } from "./module-paths.ts";
import { MAX_MANIFEST_BYTES, readRegularFile } from "./regular-file.ts";

/** What a file that may be compiled into a module holds. */
export type GuardedRead =
	| { readonly ok: true; readonly contents: Buffer; readonly stamp: FileStamp }
	/** `problem` is a sentence for the place that imports the file. */
	| { readonly ok: false; readonly problem: string };

/**
 * Stands between a module's imports and the disk. Modules are compiled with the host's rights, so one could otherwise
 * import `../.env` as text, or learn its lines from an error message; wait for ever at a FIFO; or read from `/dev/zero`.
 *
 * A module is compiled from its own module folder and from packages: files with `node_modules` in their real path, and
 * packages that a `node_modules` above the module folder links to, as workspaces do. A symbolic link is judged by where
 * it leads, once more when it has been opened.
 */
export interface SourceGuard {
	isAllowed(realPath: string): Promise<boolean>;
	read(realPath: string): Promise<GuardedRead>;
}

/** The largest file that is read for a module, in bytes. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;

export function createSourceGuard(paths: ModulePaths): SourceGuard {
	const folder = `${basename(paths.root)}/`;

	async function isAllowed(realPath: string): Promise<boolean> {
		if (isInside(paths.realRoot, realPath) || isInPackages(realPath)) return true;
		const packageFolder = await findPackageFolder(realPath);
		return packageFolder !== undefined && isLinked(packageFolder, dirname(paths.realRoot));
	}

	async function read(realPath: string): Promise<GuardedRead> {
		const name = paths.say(realPath);
		if (!(await isAllowed(realPath))) {
			const what = realPath === paths.realEntry ? `${name} is a symbolic link that leads` : `${name} lies`;
			return refused(`${what} outside of ${folder}. ${adviseOutside(folder)}`);
		}
		if (realPath.endsWith(".node")) return refused(`${name} is a native add-on. ${NO_ADDONS}`);
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

	return { isAllowed, read };
}

/** Whether the file belongs to an installed package. */
export function isInPackages(path: string): boolean {
	return path.includes(`${sep}node_modules${sep}`);
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

/** The folder of the nearest package.json that names a package. */
async function findPackageFolder(realPath: string): Promise<string | undefined> {
	for (let folder = dirname(realPath); folder !== dirname(folder); folder = dirname(folder)) {
		if ((await readPackageName(folder)) !== undefined) return folder;
	}
	return undefined;
}

/** Whether a `node_modules` in `from` or above leads to the package: there the operator linked it, not the module. */
async function isLinked(packageFolder: string, from: string): Promise<boolean> {
	const name = await readPackageName(packageFolder);
	if (name === undefined) return false;
	for (let folder = from; ; folder = dirname(folder)) {
		const target = await realpath(join(folder, "node_modules", name)).catch(() => undefined);
		if (target === packageFolder) return true;
		if (folder === dirname(folder)) return false;
	}
}

const PACKAGE_NAME = /^(?:@[\w.~-]+\/)?[\w.~-]+$/;

async function readPackageName(folder: string): Promise<string | undefined> {
	try {
		const read = await readRegularFile(join(folder, "package.json"), MAX_MANIFEST_BYTES);
		if (read.type !== "read") return undefined;
		const manifest: unknown = JSON.parse(read.contents.toString());
		const name = (manifest as { readonly name?: unknown } | null)?.name;
		return typeof name === "string" && PACKAGE_NAME.test(name) && !/^\.+$/.test(name) ? name : undefined;
	} catch {
		return undefined;
	}
}
