import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { indexOf, startsWith } from "../primordials/primordials.ts";

/**
 * Node's permission model looks at the path that it is given, and follows the links on it: one in the module's folder
 * opens whatever it leads to. So what a path really leads to is judged here as well, each time, by the same list.
 *
 * What the operator has granted with `permissions: { read: […] }` is taken at its word: links below it are the operator's.
 *
 * @param granted absolute paths
 */
export function createLinkGuard(granted: readonly string[]): LinkGuard {
	const { execArgv } = process;
	const roots = execArgv.filter((flag) => flag.startsWith(READ_FLAG)).map((flag) => flag.slice(READ_FLAG.length));
	const isOn = execArgv.includes("--permission");
	const own = roots.filter((root) => !granted.includes(root));
	// Node may refuse to resolve a folder whose name begins that of another one it was given (`ms` beside `ms-x`).
	const realRoots = roots.map((root) => realPathOf(root) ?? root);

	function isOpen(real: string): boolean {
		for (let index = 0; index < realRoots.length; index++) if (lies(real, realRoots[index])) return true;
		// A root may be a link that has come to lead elsewhere, as a ConfigMap's does at each update.
		for (let index = 0; index < own.length; index++) if (lies(real, realPathOf(own[index] as string))) return true;
		return false;
	}

	function isGranted(text: string): boolean {
		if (indexOf(text, "..") !== -1) return false;
		for (let index = 0; index < granted.length; index++) if (lies(text, granted[index])) return true;
		return false;
	}

	return (target, isLink = false) => {
		if (!isOn || !isPath(target)) return false;
		if (typeof target === "string" && isGranted(target)) return false;
		const real = isLink ? realPathOf(parentOf(target)) : (realPathOf(target) ?? danglingPathOf(target));
		return real !== undefined && !isOpen(real);
	};
}

/**
 * Whether a path leads out of all that may be read.
 *
 * @param path a text or bytes; what else `fs` takes is made one of these before
 * @param isLink the link itself is meant, which only has to lie where it may be read
 */
export type LinkGuard = (path: unknown, isLink?: boolean) => boolean;

/** `fs` takes whatever looks like a URL, and asks it for its parts when it likes. What it is given is asked once, here. */
export function plainPath(given: unknown): unknown {
	if (typeof given !== "object" || given === null || isView(given)) return given;
	try {
		return toPath(given as URL);
	} catch {
		return given; // as `fs` will say
	}
}

const READ_FLAG = "--allow-fs-read=";

function lies(file: string, folder: string | undefined): boolean {
	if (folder === undefined) return false;
	if (file === folder || folder === separator) return true;
	return startsWith(file, folder[folder.length - 1] === separator ? folder : `${folder}${separator}`);
}

/** Undefined when it leads nowhere, or may not be read, which Node says itself. */
function realPathOf(file: string | Uint8Array): string | undefined {
	try {
		return realpath(file as string);
	} catch {
		return undefined;
	}
}

/** Who writes to a link that leads nowhere makes what it leads to. */
function danglingPathOf(file: string | Uint8Array): string | undefined {
	try {
		const target = readlink(file as string);
		return target[0] === separator ? target : resolve(parentOf(file), target);
	} catch {
		return undefined;
	}
}

function parentOf(file: string | Uint8Array): string {
	return dirname(typeof file === "string" ? file : decode(file));
}

const {
	realpathSync: { native: realpath },
	readlinkSync: readlink,
} = fs;
const { dirname, resolve, sep: separator } = path;
const { isView } = ArrayBuffer;
const toPath = fileURLToPath;
const decoder = new TextDecoder();
const decode = decoder.decode.bind(decoder);

function isPath(target: unknown): target is string | Uint8Array {
	return typeof target === "string" || isView(target);
}
