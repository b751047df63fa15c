import { join, sep } from "node:path";
import { MAX_MANIFEST_BYTES, readRegularFile } from "../../core/regular-file.ts";
import { isRecord, parseJson } from "../../../workers/wire/json.ts";

/** What a package says of itself. */
export interface PackageManifest {
	/** Whole, as written: it changes when the package is updated. */
	readonly text: string;
	readonly name: string | undefined;
	/** What its `.js` files are; undefined when it does not say. */
	readonly type: "module" | "commonjs" | undefined;
	/** Names of the packages that it may load: dependencies of every sort that are needed, or used, when it runs. */
	readonly needs: readonly string[];
}

/** Whether a path leads through a `node_modules`. */
export function isInNodeModules(path: string): boolean {
	return path.includes(`${sep}node_modules${sep}`);
}

/**
 * The folder of the innermost installed package that a real path lies in, and never one above it; undefined for what lies in
 * none, such as `node_modules/.cache/x`.
 */
export function packageFolderOf(realPath: string): string | undefined {
	return INNERMOST.exec(realPath)?.[0];
}

/** Whether it may stand between `node_modules/` and a file: nothing that leads out of there does. */
export function isPackageName(name: string): boolean {
	return PACKAGE_NAME.test(name);
}

/** @returns undefined when there is no package.json that can be read, or when it is no object */
export async function readManifest(folder: string): Promise<PackageManifest | undefined> {
	const file = await readRegularFile(join(folder, "package.json"), MAX_MANIFEST_BYTES);
	const text = file.type === "read" ? file.contents.toString() : undefined;
	const manifest = text === undefined ? undefined : parseJson(text);
	if (text === undefined || !isRecord(manifest)) return undefined;
	const needs = new Set<string>();
	for (const key of DEPENDENCIES) {
		const names = manifest[key];
		if (isRecord(names)) for (const name of Object.keys(names)) if (isPackageName(name)) needs.add(name);
	}
	const { name, type } = manifest;
	return {
		text,
		name: typeof name === "string" && isPackageName(name) ? name : undefined,
		type: type === "module" || type === "commonjs" ? type : undefined,
		needs: [...needs],
	};
}

/** `peerDependenciesMeta` alone names what a package takes if the user has it, such as a database's driver. */
const DEPENDENCIES = ["dependencies", "optionalDependencies", "peerDependencies", "peerDependenciesMeta"];

const NAME = String.raw`(?:@[a-zA-Z0-9_~-][\w.~-]*[\\/])?[a-zA-Z0-9_~-][\w.~-]*`;
const PACKAGE_NAME = new RegExp(`^${NAME}$`);
const INNERMOST = new RegExp(String.raw`^.*[\\/]node_modules[\\/]${NAME}(?=[\\/])`, "s");
