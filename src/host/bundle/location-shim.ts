import { dirname } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * A bundle lies in the state folder, but `import.meta.url`, `__dirname` and their like have to name the file that they
 * are written in: that is how a module finds the data file beside it. So a file that asks is given variables of its
 * own, and esbuild is told to use those instead.
 */
export const LOCATION_DEFINES: Readonly<Record<string, string>> = {
	"import.meta.url": "__module_url",
	"import.meta.filename": "__module_filename",
	"import.meta.dirname": "__module_dirname",
	__filename: "__module_filename",
	__dirname: "__module_dirname",
};

/**
 * @param path absolute path of the file, as its author knows it
 * @returns the source with the variables before its first line, on that line, so that line numbers stay true; undefined
 * when it does not ask where it lies
 */
export function addLocation(source: string, path: string): string | undefined {
	if (!ASKS_WHERE.test(source)) return undefined;
	const strict = isStrict(source) ? '"use strict";' : ""; // which no longer stands first, where it counts
	const prelude =
		`${strict}var __module_url = ${JSON.stringify(pathToFileURL(path).href)}, ` +
		`__module_filename = ${JSON.stringify(path)}, __module_dirname = ${JSON.stringify(dirname(path))};${END}`;
	const hashbang = /^#!.*\n?/.exec(source)?.[0] ?? "";
	return hashbang + prelude + source.slice(hashbang.length);
}

/**
 * esbuild takes the last comment of a file that names a source map, in whatever form, and reads whatever that names. So
 * the last one is ours, of a scheme that it passes over.
 */
export function withoutSourceMap(source: string, language: "js" | "css"): string {
	return `${source}\n${language === "js" ? NO_SOURCE_MAP : `/*${NO_SOURCE_MAP.slice(2)} */`}`;
}

const NO_SOURCE_MAP = "//# sourceMappingURL=none:";

/** A line of a file as its author wrote it. */
export function stripMarks(lineText: string, line: number): string {
	if (lineText === NO_SOURCE_MAP) return "";
	const end = line === 1 ? lineText.indexOf(END) : -1;
	return end === -1 ? lineText : lineText.slice(end + END.length);
}

const END = "/* added by Bulkhead */ ";
const ASKS_WHERE = /\bimport\s*\.\s*meta\b|\b__filename\b|\b__dirname\b/;

/** Whether the first statement is a "use strict" directive. In linear time: the source is not trusted. */
function isStrict(source: string): boolean {
	const skipped = /\s+|\/\/.*|\/\*[\s\S]*?\*\/|#!.*/y;
	let start = 0;
	while (skipped.test(source)) start = skipped.lastIndex;
	const directive = /["']use strict["']/y;
	directive.lastIndex = start;
	return directive.test(source);
}
