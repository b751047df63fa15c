import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { WireCauseDto, WireErrorDto } from "../../../workers/wire/wire-error.ts";

/** What went wrong in a module, in the author's terms: their file, their line. */
export interface ModuleProblem extends ErrorPlace {
	/** Of an error that is more than an `Error`, its class as well: `TypeError: …`. */
	readonly message: string;
	/** The class of the error, where one was thrown. */
	readonly name?: string;
	/** The lines around the place, where the compiler found the problem. */
	readonly frame?: string;
	/** What brought the error about, the nearest cause first. */
	readonly causes?: readonly ModuleCause[];
}

export interface ModuleCause extends ErrorPlace {
	readonly message: string;
	readonly name: string;
}

interface ErrorPlace {
	/** As the author would say it, e.g. `metrics/disk.ts`. */
	readonly file?: string;
	readonly line?: number;
	readonly column?: number;
}

/**
 * Finds the author's line in the stack of an error, and of each of its causes: the first frame that lies in one of the
 * module's own files.
 *
 * @param inputs absolute paths of the files that the module was compiled from
 * @param displayRoot the folder that the file is named relative to
 */
export function locateError(error: WireErrorDto, inputs: readonly string[], displayRoot: string): ModuleProblem {
	const own = new Set(inputs);
	const located = (each: WireCauseDto): ModuleCause => ({
		message: each.name === "Error" ? each.message : `${each.name}: ${each.message}`,
		name: each.name,
		...placeIn(each.stack ?? "", own, displayRoot),
	});
	const problem = located(error);
	return error.causes === undefined ? problem : { ...problem, causes: error.causes.map(located) };
}

/** A problem for the log: `metrics/disk.ts:12:7 TypeError: no; caused by …`. */
export function describeProblem({ causes = [], ...problem }: ModuleProblem): string {
	return [problem, ...causes].map(({ message, ...place }) => `${placeText(place)}${message}`).join("; caused by ");
}

function placeText({ file, line, column }: ErrorPlace): string {
	return file === undefined ? "" : `${file}:${line}:${column} `;
}

function placeIn(stack: string, own: ReadonlySet<string>, displayRoot: string): ErrorPlace {
	for (const frame of stack.split("\n")) {
		const place = FRAME.exec(frame);
		const path = pathOf(place?.[1]);
		if (path !== undefined && own.has(path)) {
			return { file: relative(displayRoot, path), line: Number(place?.[2]), column: Number(place?.[3]) };
		}
	}
	return {};
}

/** The `file:line:column` at the end of a V8 stack frame, in brackets where it has the name of a function. */
const FRAME = /^ {4}at (?:async )?(?:[^/]*\()?((?:file:\/\/)?\/.*):(\d+):(\d+)\)?$/;

function pathOf(location: string | undefined): string | undefined {
	if (location?.startsWith("file://") !== true) return location;
	try {
		return fileURLToPath(location);
	} catch {
		return undefined; // the stack is the module's own text and may say anything
	}
}
