import { dirname, extname } from "node:path";
import { readRegularFile } from "../../core/regular-file.ts";
import { readManifest } from "./package-folder.ts";

/**
 * Whether Node would take a file of a package as CommonJS.
 *
 * @param file absolute
 * @param folder of the package that it lies in
 */
export async function isCommonJsFile(file: string, folder: string): Promise<boolean> {
	const extension = extname(file);
	if (extension === ".mjs") return false;
	if (extension === ".cjs") return true;
	for (let at = dirname(file); ; at = dirname(at)) {
		const manifest = await readManifest(at);
		if (manifest !== undefined) {
			if (manifest.type !== undefined) return manifest.type === "commonjs";
			return !(await hasModuleSyntax(file));
		}
		if (at === folder || at === dirname(at)) return !(await hasModuleSyntax(file));
	}
}

/** Without a `type`, Node looks for syntax that only a module has. What is mistaken here loads either way. */
const MODULE_SYNTAX =
	/^[ \t]*(?:import\s*["'{*\w$]|export\s*(?:[{*]|default\b|const\b|function\b|class\b|let\b|var\b|async\b))/m;
const MAX_BYTES = 16 * 1024 * 1024;

async function hasModuleSyntax(file: string): Promise<boolean> {
	const read = await readRegularFile(file, MAX_BYTES);
	return read.type === "read" && MODULE_SYNTAX.test(read.contents.toString());
}
