import { opendir, realpath, stat } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { type FileStamp, stampOf } from "../../core/file-fingerprint.ts";
import { isInside } from "../../core/paths.ts";
import type { SourceGuard } from "./import-guard.ts";
import type { ModulePaths } from "./module-paths.ts";
import { MAX_MANIFEST_BYTES } from "../../core/regular-file.ts";

export interface FolderRefusal {
	/** Absolute path of what may not be there, as the author knows it. */
	readonly path: string;
	/** A sentence that names it. */
	readonly problem: string;
}

/**
 * Looks through the folder of a module that has one of its own, before anything in it is used. At run time a module may
 * read its folder, and who reads follows links: one that leads out opens whatever it leads to. And esbuild reads each
 * package.json that it passes by itself, whatever that is.
 *
 * Links within the folder are fine, such as a ConfigMap's, and in a `node_modules` those to packages, such as pnpm's.
 *
 * @param onRead is told of the folders as well, whose paths end in a separator: a link that comes later changes one
 * @returns the first thing that may not be there
 */
export async function judgeFolder(
	paths: ModulePaths,
	entry: string,
	guard: SourceGuard,
	onRead: (path: string, stamp: FileStamp) => void,
): Promise<FolderRefusal | undefined> {
	const folder = dirname(entry);
	const above = await judgeManifests(paths, dirname(paths.realEntry));
	if (above !== undefined || folder === paths.root) return above;
	const home = await realpath(folder);
	if (!isInside(paths.realRoot, home)) return undefined; // the entry is refused, and with it all that lies here
	const author = (path: string) => join(folder, path.slice(home.length));
	let watched = 0;
	async function onFolder(path: string): Promise<void> {
		if (`${path}${sep}`.slice(home.length).includes(PACKAGES) || ++watched > MAX_WATCHED) return;
		onRead(join(author(path), sep), await stampOf(path));
	}
	return judgeTree({
		home,
		isPackageLink: guard.isPackageLink,
		author,
		say: (path) => paths.say(author(path)),
		onFolder,
	});
}

/** A package that an author has put among the modules, as one that esbuild is about to resolve. */
export async function judgePackage(
	folder: string,
	paths: ModulePaths,
	guard: SourceGuard,
): Promise<FolderRefusal | undefined> {
	return judgeTree({ home: folder, isPackageLink: guard.isPackageLink, author: (path) => path, say: paths.say });
}

/** Those that esbuild comes by on its way from a folder up to the module folder. What lies above is the operator's. */
export async function judgeManifests(paths: ModulePaths, from: string): Promise<FolderRefusal | undefined> {
	for (let folder = from; isInside(paths.realRoot, folder); folder = dirname(folder)) {
		const problem = await judgeManifest(join(folder, MANIFEST), { author: paths.located, say: paths.say }, (target) =>
			isInside(paths.realRoot, target),
		);
		if (problem !== undefined) return problem;
	}
	return undefined;
}

interface Tree {
	/** Real path. */
	readonly home: string;
	readonly isPackageLink: SourceGuard["isPackageLink"];
	readonly author: (path: string) => string;
	readonly say: (path: string) => string;
	/** Told of each folder before it is listed. */
	readonly onFolder?: (path: string) => Promise<void>;
}

async function judgeTree(tree: Tree): Promise<FolderRefusal | undefined> {
	const folders = [tree.home];
	let entries = 0;
	for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
		await tree.onFolder?.(folder);
		// A batch, because a folder may have any number of files, and each batch is a trip to the thread pool.
		const directory = await opendir(folder, { bufferSize: 1024 }).catch(() => undefined);
		if (directory === undefined) continue; // gone, or not readable, which the module finds out if it needs it
		for await (const entry of directory) {
			entries += 1;
			if (entries > MAX_ENTRIES)
				return refuse(
					tree.author(tree.home),
					`${tree.say(tree.home)}/ holds more than ${MAX_ENTRIES} files. Keep data outside of it, and allow the module to read it there.`,
				);
			const path = join(folder, entry.name);
			if (entry.isDirectory()) folders.push(path);
			const problem = entry.isSymbolicLink()
				? await judgeLink(path, tree)
				: entry.name === MANIFEST
					? await judgeManifest(path, tree, () => true)
					: undefined;
			if (problem !== undefined) return problem;
		}
	}
	return undefined;
}

const MANIFEST = "package.json";
const MAX_ENTRIES = 200_000;
/** Each costs a `stat` at every look. */
const MAX_WATCHED = 500;

async function judgeLink(path: string, tree: Tree): Promise<FolderRefusal | undefined> {
	const target = await realpath(path).catch(() => undefined);
	if (target === undefined) return undefined; // it leads nowhere, so nowhere else either
	const inside = isInside(tree.home, target);
	if (!inside && !(path.slice(tree.home.length).includes(PACKAGES) && (await tree.isPackageLink(target, path)))) {
		const name = tree.say(path);
		return refuse(
			tree.author(path),
			`${name} is a symbolic link that leads out of ${tree.say(tree.home)}/, where the module may read. Put what it needs there, or allow the path with \`permissions: { read: [...] }\` and use it by its own name.`,
		);
	}
	return path.endsWith(`${sep}${MANIFEST}`) ? judgeManifest(path, tree, () => true) : undefined;
}

const PACKAGES = `${sep}node_modules${sep}`;

async function judgeManifest(
	path: string,
	{ author, say }: Pick<Tree, "author" | "say">,
	isWelcome: (target: string) => boolean,
): Promise<FolderRefusal | undefined> {
	const stats = await stat(path).catch(() => undefined);
	if (stats === undefined || stats.isDirectory()) return undefined; // which is no package.json to anybody
	const no = (problem: string) => refuse(author(path), `${say(path)} ${problem}`);
	if (!stats.isFile()) return no("is not a regular file. Remove it, or put a package.json in its place.");
	if (stats.size > MAX_MANIFEST_BYTES) return no("is larger than 1 MiB, which no package.json is.");
	if (!isWelcome(await realpath(path))) return no("is a symbolic link that leads elsewhere. Remove it.");
	return undefined;
}

function refuse(path: string, problem: string): FolderRefusal {
	return { path, problem };
}
