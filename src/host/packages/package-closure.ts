import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isInside } from "../../core/paths.ts";
import { readRegularFile } from "../../core/regular-file.ts";
import { readManifest } from "./package-folder.ts";
import type { PackagePlaces } from "./package-places.ts";

/** What the code of a module imports from packages. */
export interface PackageUse {
	/** Real paths of the folders of packages that it loads a file of. */
	readonly folders: ReadonlySet<string>;
	/** Real paths of these files. */
	readonly entries: ReadonlySet<string>;
	/** The names that it imports, each with the folder of the file that does. */
	readonly names: readonly { readonly name: string; readonly from: string }[];
}

/** Packages, with all that they need in their turn. */
export interface PackageClosure {
	/** Absolute paths, without what lies in another of them: what a worker has to read so that Node can load all of it. */
	readonly reads: readonly string[];
	/** Absolute paths of files that change when one of the packages does, or come when one is added. */
	readonly watched: readonly string[];
	/** Of the packages' versions: the same packages have the same one. Empty when there are none. */
	readonly digest: string;
}

const NO_PACKAGES: PackageClosure = { reads: [], watched: [], digest: "" };

/**
 * Follows the dependencies that the packages declare, as Node would look for them from where each package really lies.
 * What a package loads without declaring it is not found this way, and not open to the module.
 *
 * @param places where packages may lie
 */
export async function closePackages(use: PackageUse, places: PackagePlaces): Promise<PackageClosure> {
	if (use.folders.size === 0) return NO_PACKAGES;
	const reads = new Set<string>();
	const missing: string[] = [];
	const versions: string[] = [];
	const manifests: string[] = [];
	const managed = new Map<string, Promise<string | undefined>>();
	const followed = new Map<string, Promise<string | undefined>>();
	const holders = new Map<string, Promise<boolean>>();

	/** Opens the way to a package by its name. @returns the folder of it */
	async function find(name: string, from: string): Promise<string | undefined> {
		for (const candidate of places.candidates(name, from)) {
			if (!(await once(holders, holderOf(candidate, name), isFolder))) continue;
			const folder = await once(followed, candidate, places.follow);
			if (folder === undefined) {
				// Node looks for it before it looks further up, and there it will be when the package is installed.
				const manifest = join(candidate, "package.json");
				reads.add(manifest);
				missing.push(manifest);
				continue;
			}
			reads.add(candidate);
			return folder;
		}
		return undefined;
	}

	/** @returns the folders of what it needs */
	async function visit(folder: string): Promise<readonly (string | undefined)[]> {
		reads.add(folder);
		const manifest = await readManifest(folder);
		versions.push(`${folder}\0${manifest?.text ?? ""}`);
		const marker = await markerOf(folder, managed);
		if (marker === undefined || use.folders.has(folder)) manifests.push(join(folder, "package.json"));
		return Promise.all((manifest?.needs ?? []).map((name) => find(name, folder)));
	}

	const visited = new Set<string>();
	let found = [...use.folders, ...(await Promise.all(use.names.map(({ name, from }) => find(name, from))))];
	while (found.length > 0) {
		const next = new Set(found.filter((folder) => folder !== undefined && !visited.has(folder)) as string[]);
		for (const folder of next) visited.add(folder);
		found = (await Promise.all([...next].map(visit))).flat();
	}
	const entries = [...use.entries].toSorted();
	for (const entry of entries) versions.push(`${entry}\0${await hashOf(entry)}`);
	const markers = (await Promise.all(managed.values())).filter((marker) => marker !== undefined);
	return {
		reads: withoutNested([...reads]),
		watched: [...new Set([...markers, ...manifests, ...missing, ...entries])],
		digest: createHash("sha256").update(versions.toSorted().join("\n")).digest("hex"),
	};
}

/** Those that lie in none of the others. */
export function withoutNested(paths: readonly string[]): readonly string[] {
	const kept: string[] = [];
	for (const path of paths.toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1))) {
		if (!kept.some((folder) => isInside(folder, path))) kept.push(path);
	}
	return kept;
}

/** The `node_modules` of a candidate. */
function holderOf(candidate: string, name: string): string {
	return name.startsWith("@") ? dirname(dirname(candidate)) : dirname(candidate);
}

/**
 * What npm, pnpm and yarn write into a `node_modules` whenever they change something in it: one file to watch in the place of
 * all its packages.
 */
const MARKERS = [".package-lock.json", ".modules.yaml", ".yarn-state.yml", ".yarn-integrity"];

async function markerOf(folder: string, known: Map<string, Promise<string | undefined>>): Promise<string | undefined> {
	const holder = outermostNodeModules(folder);
	if (holder === undefined) return undefined;
	return once(known, holder, async () => {
		const found = await Promise.all(MARKERS.map((name) => isThere(join(holder, name))));
		return MARKERS.map((name) => join(holder, name)).find((_, index) => found[index]);
	});
}

function once<Value>(
	known: Map<string, Promise<Value>>,
	key: string,
	ask: (key: string) => Promise<Value>,
): Promise<Value> {
	const value = known.get(key) ?? ask(key);
	known.set(key, value);
	return value;
}

function outermostNodeModules(folder: string): string | undefined {
	let found: string | undefined;
	for (let each = folder; each !== dirname(each); each = dirname(each)) {
		if (basename(each) === "node_modules") found = each;
	}
	return found;
}

async function hashOf(file: string): Promise<string> {
	const read = await readRegularFile(file, MAX_ENTRY_BYTES);
	return read.type === "read" ? createHash("sha256").update(read.contents).digest("hex") : read.type;
}

const MAX_ENTRY_BYTES = 32 * 1024 * 1024;

const isFolder = (path: string): Promise<boolean> =>
	stat(path).then(
		(stats) => stats.isDirectory(),
		() => false,
	);
const isThere = (path: string): Promise<boolean> =>
	stat(path).then(
		() => true,
		() => false,
	);
