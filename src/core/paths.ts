import { isAbsolute, relative, sep } from "node:path";

/** Whether `path` is `folder` or lies in it. Both are absolute; symbolic links are not followed. */
export function isInside(folder: string, path: string): boolean {
	const step = relative(folder, path);
	return step !== ".." && !step.startsWith(`..${sep}`) && !isAbsolute(step);
}
