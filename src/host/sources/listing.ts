import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import {
	indexFiles,
	MODULE_EXTENSIONS,
	type ModuleId,
	type ModuleKind,
	type NameVerdict,
	readFileName,
	readFolderName,
	readIndexless,
	toModuleId,
} from "../../core/module-id.ts";

/** Where one module comes from. */
export interface ModuleSource {
	readonly id: ModuleId;
	readonly kind: ModuleKind;
	readonly name: string;
	/** Absolute path of the module folder as configured; it, and what lies in it, may be a symbolic link. */
	readonly root: string;
	/** Absolute path of the entry, below `root`. */
	readonly entry: string;
	/** The entry as its author would say it: `metrics/disk.ts`. */
	readonly file: string;
}

/** A file or folder that looks like a module and is not loaded as one. */
export interface RefusedFile {
	/** As its author would say it: `metrics/disk usage.ts`. */
	readonly file: string;
	/** A sentence that says why, and what to do. */
	readonly problem: string;
}

export interface ModuleListing {
	readonly sources: readonly ModuleSource[];
	readonly refused: readonly RefusedFile[];
}

/**
 * Lists the modules of one folder by the naming rules, always in the same order.
 *
 * @throws the error of `readdir`, ENOENT or ENOTDIR when there is no such folder
 */
export async function listModules(kind: ModuleKind, root: string): Promise<ModuleListing> {
	const dirents = await readdir(root, { withFileTypes: true });
	const candidates = await Promise.all(dirents.map((dirent) => readDirent(root, dirent)));
	const found = candidates.flat().toSorted((a, b) => a.rank - b.rank || (a.path < b.path ? -1 : 1));

	const sources = new Map<string, ModuleSource>();
	const refused: RefusedFile[] = [];
	const say = (path: string) => `${basename(root)}/${path}`;
	for (const { path, verdict } of found) {
		if (verdict.type === "refused")
			refused.push({ file: say(path), problem: `${say(path)} is not loaded: ${verdict.problem}` });
		if (verdict.type !== "module") continue;
		const { name } = verdict;
		const first = sources.get(name);
		if (first === undefined) {
			sources.set(name, { id: toModuleId(kind, name), kind, name, root, entry: join(root, path), file: say(path) });
		} else {
			const problem = `${say(path)} is not loaded: ${first.file} has the same name, ${first.id}, and comes first. Rename or remove one of them.`;
			refused.push({ file: say(path), problem });
		}
	}
	return {
		sources: [...sources.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1)),
		refused: refused.toSorted((a, b) => (a.file < b.file ? -1 : 1)),
	};
}

interface Candidate {
	/** Relative to the module folder, with "/". */
	readonly path: string;
	readonly verdict: NameVerdict;
	/** Files come before folders, and then each extension before the next. */
	readonly rank: number;
}

async function readDirent(root: string, dirent: Dirent): Promise<readonly Candidate[]> {
	const asFile = readFileName(dirent.name);
	const asFolder = readFolderName(dirent.name);
	if (asFile.type === "ignored" && asFolder.type === "ignored") return [];
	switch (await typeOf(root, dirent)) {
		case "file":
			return [{ path: dirent.name, verdict: asFile, rank: rankOf(dirent.name) }];
		case "folder": {
			const names = await namesIn(join(root, dirent.name));
			const indexes = indexFiles(names);
			if (indexes.length === 0) return [{ path: dirent.name, verdict: readIndexless(dirent.name, names), rank: 0 }];
			return indexes.map((index) => ({
				path: `${dirent.name}/${index}`,
				verdict: asFolder,
				rank: MODULE_EXTENSIONS.length + rankOf(index),
			}));
		}
		case "dangling":
			return refuse(dirent, asFile, "it is a symbolic link that leads nowhere. Mend or remove the link.");
		case "other":
			return refuse(dirent, asFile, "it is neither a file nor a folder.");
	}
}

function refuse(dirent: Dirent, asFile: NameVerdict, problem: string): readonly Candidate[] {
	if (asFile.type === "ignored") return [];
	return [{ path: dirent.name, verdict: { type: "refused", problem }, rank: rankOf(dirent.name) }];
}

async function typeOf(root: string, dirent: Dirent): Promise<"file" | "folder" | "dangling" | "other"> {
	if (dirent.isFile()) return "file";
	if (dirent.isDirectory()) return "folder";
	if (!dirent.isSymbolicLink()) return "other";
	try {
		const target = await stat(join(root, dirent.name));
		if (target.isFile()) return "file";
		return target.isDirectory() ? "folder" : "other";
	} catch {
		return "dangling";
	}
}

/** A folder that is gone again, or may not be read, holds no entry that could be loaded. */
async function namesIn(folder: string): Promise<readonly string[]> {
	try {
		return await readdir(folder);
	} catch {
		return [];
	}
}

function rankOf(fileName: string): number {
	return MODULE_EXTENSIONS.findIndex((extension) => fileName.endsWith(extension));
}
