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
	const reads = new Set(use.folders);
	const pending = [...use.folders];
	const versions: string[] = [];
	const manifests: string[] = [];
	const missing: string[] = [];
	const managed = new Map<string, string | undefined>();

	/** Opens the way to a package by its name. */
	async function find(name: string, from: string): Promise<void> {
		for (const candidate of places.candidates(name, from)) {
			if (!(await isFolder(holderOf(candidate, name)))) continue;
			const folder = await places.follow(candidate);
			if (folder === undefined) {
				// Node looks for it before it looks further up, and there it will be when the package is installed.
				reads.add(join(candidate, "package.json"));
				missing.push(join(candidate, "package.json"));
				continue;
			}
			reads.add(candidate);
			if (reads.has(folder) && candidate !== folder) return;
			reads.add(folder);
			pending.push(folder);
			return;
		}
	}

	for (const { name, from } of use.names) await find(name, from);
	const visited = new Set<string>();
	for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
		if (visited.has(folder)) continue;
		visited.add(folder);
		const manifest = await readManifest(folder);
		versions.push(`${folder}\0${manifest?.text ?? ""}`);
		const marker = await markerOf(folder, managed);
		manifests.push(...(marker === undefined || use.folders.has(folder) ? [join(folder, "package.json")] : []));
		for (const name of manifest?.needs ?? []) await find(name, folder);
	}
	const entries = [...use.entries].toSorted();
	for (const entry of entries) versions.push(`${entry}\0${await hashOf(entry)}`);
	const markers = [...managed.values()].filter((marker) => marker !== undefined);
	return {
		reads: withoutNested([...reads]),
		watched: [...markers, ...manifests, ...missing, ...entries],
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

async function markerOf(folder: string, known: Map<string, string | undefined>): Promise<string | undefined> {
	const holder = outermostNodeModules(folder);
	if (holder === undefined) return undefined;
	if (!known.has(holder)) {
		const found = await Promise.all(MARKERS.map((name) => isThere(join(holder, name))));
		known.set(
			holder,
			MARKERS.map((name) => join(holder, name)).find((_, index) => found[index]),
		);
	}
	return known.get(holder);
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
