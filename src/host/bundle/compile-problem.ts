import type { Location, Message } from "esbuild";
import { basename, dirname, join, resolve, sep } from "node:path";
import type { ModulePaths } from "./module-paths.ts";
import { packageOf } from "../packages/shared-libraries.ts";
import { stripMarks } from "./location-shim.ts";

/** Why a module does not compile, in its author's terms. */
export interface CompileProblem {
	/** As the author would say it, e.g. `metrics/disk.ts`. */
	readonly file: string;
	/** Both count from 1; `column` in UTF-16 code units, as editors do. */
	readonly line: number;
	readonly column: number;
	/** A sentence that says what is wrong, and what to do where that is not obvious. */
	readonly message: string;
	/** The line and a mark below the place; empty when the problem has no place of its own. */
	readonly frame: string;
}

export interface ProblemContext {
	readonly paths: ModulePaths;
	/** Whether esbuild was given the file of this absolute path to read. */
	readonly wasRead: (path: string) => boolean;
}

/** What esbuild says, in our words where its own advise what a module's author cannot do. */
export function toProblems(messages: readonly Message[], context: ProblemContext): readonly CompileProblem[] {
	const problems = messages.slice(0, MAX_PROBLEMS).map((message) => toProblem(message, context));
	const more = messages.length - problems.length;
	return more > 0 ? [...problems, entryProblem(context.paths, `There are ${more} more problems.`)] : problems;
}

/** What would have to appear, or to change, for imports to be found that were not. Absolute paths. */
export function missingPaths(messages: readonly Message[], paths: ModulePaths): readonly string[] {
	const found = new Set<string>();
	for (const { text, location } of messages) {
		const specifier = MISSING.exec(text)?.[1];
		if (specifier === undefined || location === null) continue;
		const importer = paths.located(resolve(paths.base, location.file));
		if (/^\.{0,2}\//.test(specifier)) found.add(dirname(resolve(dirname(importer), specifier)));
		else for (const folder of foldersAbove(importer)) found.add(join(folder, "node_modules", packageOf(specifier)));
		if (found.size > MAX_MISSING) break;
	}
	return [...found];
}

const MAX_MISSING = 500;
const MISSING = /^Could not resolve "(.+)"$/s;

function foldersAbove(path: string): readonly string[] {
	const folder = dirname(path);
	return folder === path ? [] : [folder, ...foldersAbove(folder)];
}

/** A problem of the module as a whole, shown at the top of its entry. */
export function entryProblem(paths: Pick<ModulePaths, "say" | "realEntry">, message: string): CompileProblem {
	return { file: paths.say(paths.realEntry), line: 1, column: 1, message, frame: "" };
}

/** Problems come from source that is not trusted, and go into logs and answers. */
const MAX_PROBLEMS = 20;
const MAX_MESSAGE_LENGTH = 1000;
const MAX_PATH_LENGTH = 300;

function toProblem(message: Message, { paths, wasRead }: ProblemContext): CompileProblem {
	const { location } = message;
	if (location === null) return entryProblem(paths, reword(message, paths));
	const path = resolve(paths.base, location.file);
	const file = clip(paths.say(path), MAX_PATH_LENGTH);
	const { line } = location;
	// esbuild has read it by itself, as it does with a package.json, and what it says of it quotes what stands there.
	if (!wasRead(path) && location.namespace !== "dataurl") {
		return {
			file,
			line,
			column: 1,
			message: `${file} cannot be used: line ${line} is not what belongs there.`,
			frame: "",
		};
	}
	const { lineText, column } = place(location);
	const text = reword(message, paths);
	return { file, line, column: column + 1, message: text, frame: frameOf(location, lineText, column) };
}

function reword(message: Message, paths: ModulePaths): string {
	const missing = MISSING.exec(message.text)?.[1];
	const text = missing === undefined ? message.text : describeMissing(missing, message, paths);
	const advice = text.startsWith("No loader is configured")
		? ". A module imports code, JSON and text; read other files when it runs."
		: "";
	return clip(withoutFolder(text, paths) + advice, MAX_MESSAGE_LENGTH);
}

/** esbuild names some files by their absolute paths. */
function withoutFolder(text: string, { root, realRoot }: ModulePaths): string {
	return [root, realRoot].reduce((said, folder) => said.replaceAll(join(dirname(folder), sep), ""), text);
}

function describeMissing(specifier: string, message: Message, paths: ModulePaths): string {
	if (message.location === null) return `${paths.say(paths.realEntry)} is gone, or cannot be read.`;
	if (/^\.{0,2}\//.test(specifier)) {
		return `Cannot find "${specifier}". Correct the path, or add the file.`;
	}
	const hint = message.notes.map((note) => note.text).find((note) => !note.startsWith("You can mark the path"));
	if (specifier.startsWith("#")) return `Cannot find "${specifier}" in the "imports" of a package.json.`;
	if (hint !== undefined) return `Cannot find "${specifier}". ${hint.replace(/:$/, ".")}`;
	const name = packageOf(specifier);
	const what = specifier === name ? `the package "${name}"` : `"${specifier}" in a package "${name}"`;
	return `Cannot find ${what}. Run \`npm install ${name}\` in the folder that holds ${basename(paths.root)}/, or correct the name.`;
}

/** esbuild counts columns in bytes, and sees the prelude that we put before some first lines. */
function place(location: Location): { readonly lineText: string; readonly column: number } {
	const column = Buffer.from(location.lineText).subarray(0, location.column).toString().length;
	const lineText = stripMarks(location.lineText, location.line);
	return { lineText, column: Math.max(0, column - (location.lineText.length - lineText.length)) };
}

const FRAME_WIDTH = 120;

/** Two lines: `12 | const x = ;` and a mark below. Long lines, as minified ones, are cut around the place. */
function frameOf(location: Location, lineText: string, column: number): string {
	const start = column < FRAME_WIDTH ? 0 : column - FRAME_WIDTH / 2;
	const shown = lineText.slice(start, start + FRAME_WIDTH);
	const gutter = `${location.line} | `;
	// A tab stays one, so that the mark stands where the place does whatever a tab's width.
	const indent = shown.slice(0, column - start).replaceAll(/[^\t]/g, " ");
	const mark = "^" + "~".repeat(Math.max(0, Math.min(location.length, shown.length - indent.length) - 1));
	return `${gutter}${shown}\n${" ".repeat(gutter.length - 2)}| ${indent}${mark}`;
}

function clip(text: string, length: number): string {
	return text.length > length ? `${text.slice(0, length)}…` : text;
}
