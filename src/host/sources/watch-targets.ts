import { lstat, readlink } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";

/** What has to be watched to hear of everything that can change what a path leads to. */
export interface WatchPlan {
	/** Real path and inode of the folder itself, to be watched with all below it; undefined while there is none. */
	readonly tree: { readonly path: string; readonly ino: bigint } | undefined;
	/**
	 * By real path, the directories that hold a link on the way, the folder itself, or the place where it is missing,
	 * and the names that matter in each. In a mounted ConfigMap this is the `..data` that an update replaces.
	 */
	readonly anchors: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * Follows a path step by step, as the system does.
 *
 * @param path absolute
 */
export async function planWatch(path: string): Promise<WatchPlan> {
	const anchors = new Map<string, Set<string>>();
	let links = 0;
	let real = resolve("/");
	const steps = stepsOf(path);
	for (let step = steps.shift(); step !== undefined; step = steps.shift()) {
		const next = join(real, step);
		const stats = await lstat(next, { bigint: true }).catch(() => undefined);
		const isLink = stats?.isSymbolicLink() === true;
		if (isLink || steps.length === 0 || stats?.isDirectory() !== true) note(anchors, next);
		if (isLink) {
			links += 1;
			const target = links > MAX_LINKS ? undefined : await readlink(next).catch(() => undefined);
			if (target === undefined) return { tree: undefined, anchors };
			const resolved = resolve(real, target);
			real = resolve("/");
			steps.unshift(...stepsOf(resolved));
		} else if (stats?.isDirectory() === true) {
			real = next;
			if (steps.length === 0) return { tree: { path: real, ino: stats.ino }, anchors };
		} else {
			return { tree: undefined, anchors };
		}
	}
	return { tree: undefined, anchors }; // the root of the file system is no module folder
}

/** Equal texts are equal plans. */
export function describePlans(plans: readonly WatchPlan[]): string {
	return JSON.stringify(
		plans.map(({ tree, anchors }) => [
			tree?.path,
			String(tree?.ino),
			[...anchors].map(([path, names]) => [path, ...names]),
		]),
	);
}

/** What Linux follows before it says ELOOP. */
const MAX_LINKS = 40;

function stepsOf(path: string): string[] {
	return path.split(sep).filter((step) => step !== "");
}

function note(anchors: Map<string, Set<string>>, path: string): void {
	const folder = dirname(path);
	anchors.set(folder, (anchors.get(folder) ?? new Set()).add(basename(path)));
}
