/** The two kinds of module, named after the folder that holds them. */
export type ModuleKind = "metrics" | "mcps";
export const MODULE_KINDS = ["metrics", "mcps"] as const satisfies readonly ModuleKind[];

export type ModuleId = `${ModuleKind}/${string}`;

export function toModuleId(kind: ModuleKind, name: string): ModuleId {
	return `${kind}/${name}`;
}

/** What the naming rules say about one entry of a module folder. */
export type NameVerdict =
	| { readonly type: "module"; readonly name: string }
	/** It would be a module, but for its name; `problem` says what to do. */
	| { readonly type: "refused"; readonly problem: string }
	/** Something else than a module, which may lie there: a helper, a test, declarations, data. */
	| { readonly type: "ignored" };

/** Where one name has several sources, the one whose extension comes first is the module. */
export const MODULE_EXTENSIONS = [".ts", ".mts", ".js", ".mjs", ".cjs"] as const;

/** @param fileName of a file directly in the module folder, e.g. `disk.ts` */
export function readFileName(fileName: string): NameVerdict {
	const extension = MODULE_EXTENSIONS.find((candidate) => fileName.endsWith(candidate));
	if (isPrivate(fileName) || NOT_MODULES.test(fileName)) return { type: "ignored" };
	if (extension === undefined) return readOtherFile(fileName);
	return readName(fileName.slice(0, -extension.length), "file");
}

/** @param folderName of a folder that holds an `index` file of {@link indexFiles}, e.g. `disk` */
export function readFolderName(folderName: string): NameVerdict {
	if (isPrivate(folderName) || folderName === "node_modules") return { type: "ignored" };
	return readName(folderName, "folder");
}

/** The files of a module's own folder that can be its entry, the preferred one first. */
export function indexFiles(fileNames: readonly string[]): readonly string[] {
	const present = new Set(fileNames);
	return MODULE_EXTENSIONS.map((extension) => `index${extension}`).filter((fileName) => present.has(fileName));
}

/** @param fileNames of a folder without an index file */
export function readIndexless(folderName: string, fileNames: readonly string[]): NameVerdict {
	if (readFolderName(folderName).type === "ignored" || !fileNames.some(isSource)) return { type: "ignored" };
	return {
		type: "refused",
		problem: `a folder is a module by its index file, and it has none: add ${folderName}/index.ts, or let its name begin with "_" when it is no module.`,
	};
}

function isSource(fileName: string): boolean {
	return MODULE_EXTENSIONS.some((extension) => fileName.endsWith(extension)) || OTHER_SOURCES.test(fileName);
}

/** A file that looks as if it were meant as a module, and is none. */
function readOtherFile(fileName: string): NameVerdict {
	const [, mended] = MISNAMED.exec(fileName) ?? [];
	if (mended !== undefined)
		return { type: "refused", problem: `of its name everything behind "${mended}" is too much. Rename it.` };
	const [, extension = ""] = OTHER_SOURCES.exec(fileName) ?? [];
	if (extension === "") return { type: "ignored" };
	const problem = OTHER_LANGUAGE.test(extension)
		? "modules are written in TypeScript or JavaScript."
		: `a module's extension is one of ${MODULE_EXTENSIONS.join(", ")}, in lower case and without JSX. Rename it.`;
	return { type: "refused", problem: `${problem} Let its name begin with "_" when it is no module.` };
}

const OTHER_SOURCES = /\.(tsx|jsx|cts|TS|JS|MTS|MJS|CJS|Ts|Js|py|rb|go|rs|java|kt|php|pl|lua|sh|coffee)$/;
const OTHER_LANGUAGE = /^(?:py|rb|go|rs|java|kt|php|pl|lua|sh|coffee)$/;
/** What browsers and mail programs put behind a name. */
const MISNAMED = /^(.+\.(?:ts|mts|js|mjs|cjs))\.txt$/;

/** Declarations, tests, benchmarks, stories and configuration lie beside the modules that they belong to. */
const NOT_MODULES = /\.(?:d|test|test-d|spec|bench|stories|config)\./;

/** Plain enough for a label value, a segment of a URL path and a folder of any file system, none of which escapes it. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?$/;

function readName(name: string, what: "file" | "folder"): NameVerdict {
	if (NAME.test(name)) return { type: "module", name };
	const problem =
		`${JSON.stringify(name)} cannot be the name of a module: it may have up to 64 letters, digits, ".", "_" and "-" ` +
		`of ASCII, begins with a letter or digit and does not end with ".". Rename the ${what}, ` +
		`or let its name begin with "_" when it is no module.`;
	return { type: "refused", problem };
}

function isPrivate(name: string): boolean {
	return name.startsWith("_") || name.startsWith(".");
}
