import { type FSWatcher as DirectoryWatcher, watch as watchDirectory } from "node:fs";
import { basename, relative, sep } from "node:path";
import { type FSWatcher as TreeWatcher, watch as watchTrees } from "chokidar";
import { messageOf } from "../../core/errors.ts";
import type { SourceLog } from "../../logging/source-log.ts";
import { describePlans, planWatch, type WatchPlan } from "./watch-targets.ts";

/** Hears that something may have changed in or about some folders. What has changed, it does not say. */
export interface FolderWatch {
	/** Looks where the folders are now, and watches there. To be called before each scan. */
	aim(): Promise<void>;
	close(): Promise<void>;
}

/** @param folders absolute paths, which need not exist */
export function createFolderWatch(folders: readonly string[], log: SourceLog, onStir: () => void): FolderWatch {
	let aimedAt: string | undefined;
	let trees: TreeWatcher | undefined;
	let anchors: readonly DirectoryWatcher[] = [];
	let closed = false;

	async function closeAll(): Promise<void> {
		for (const anchor of anchors) anchor.close();
		anchors = [];
		await trees?.close();
		trees = undefined;
	}

	/** Watching is a courtesy to be quick: without it, polling still finds every change. */
	function complain(what: string, error: unknown): void {
		log.warn(`${what} cannot be watched, so changes there are noticed more slowly: ${messageOf(error)}`);
	}

	function openAnchors(plans: readonly WatchPlan[]): DirectoryWatcher[] {
		const names = new Map<string, Set<string>>();
		for (const plan of plans) {
			for (const [path, wanted] of plan.anchors) names.set(path, new Set([...(names.get(path) ?? []), ...wanted]));
		}
		return [...names].flatMap(([path, wanted]) => {
			try {
				// Not by chokidar, which lists the whole directory at each event: these belong to others, and may be busy.
				const watcher = watchDirectory(path, (_event, name) => {
					// Its own name says that it was itself moved or deleted.
					if (name === null || wanted.has(name) || name === basename(path)) onStir();
				});
				watcher.on("error", (error) => complain(path, error));
				return [watcher];
			} catch (error) {
				complain(path, error);
				return [];
			}
		});
	}

	function openTrees(plans: readonly WatchPlan[]): TreeWatcher | undefined {
		const roots = plans.flatMap(({ tree }) => (tree === undefined ? [] : [tree.path]));
		if (roots.length === 0) return undefined;
		const watcher = watchTrees(roots, {
			ignoreInitial: true,
			ignorePermissionErrors: true,
			// A link could lead anywhere, and all below would be watched. Where it leads inside, that is watched already.
			followSymlinks: false,
			// Editors' atomic saves need no special care: it is the scan that looks at the files.
			atomic: false,
			depth: MAX_DEPTH,
			// Watching directories is enough, and takes fewer of the system's watches than each file too.
			ignored: (path, stats) => isIgnored(path, roots) || (stats !== undefined && !stats.isDirectory()),
		});
		// "raw", since the others are filtered: a second change of a file within 50 ms is not told at all.
		return watcher
			.on("raw", onStir)
			.on("all", onStir)
			.on("ready", onStir)
			.on("error", (error) => complain(roots.join(", "), error));
	}

	return {
		async aim() {
			const plans = await Promise.all(folders.map(planWatch));
			const next = describePlans(plans);
			if (closed || next === aimedAt) return;
			// The old first: chokidar shares handles by path, and would go on with one of a deleted folder.
			await closeAll();
			if (closed) return;
			aimedAt = next;
			anchors = openAnchors(plans);
			trees = openTrees(plans);
		},
		close() {
			closed = true;
			return closeAll();
		},
	};
}

/** Sources nest less deep; data may not, and each directory takes a watch. */
const MAX_DEPTH = 12;

function isIgnored(path: string, roots: readonly string[]): boolean {
	if (!IGNORED_FOLDERS.has(basename(path))) return false;
	return roots.some((root) => path !== root && !relative(root, path).startsWith(`..${sep}`));
}

const IGNORED_FOLDERS: ReadonlySet<string> = new Set(["node_modules", ".git"]);
