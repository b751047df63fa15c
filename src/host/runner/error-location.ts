import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { WireErrorDto } from "../../../workers/wire/wire-error.ts";

/** Why a version of a module does not serve, in the author's terms: their file, their line. */
export interface ModuleProblem {
	readonly message: string;
	/** As the author would say it, e.g. `metrics/disk.ts`. */
	readonly file?: string;
	readonly line?: number;
	readonly column?: number;
	/** The lines around the place, where the compiler found the problem. */
	readonly frame?: string;
}

/**
 * Finds the author's line in the stack of an error: the first frame that lies in one of the module's own files.
 *
 * @param inputs absolute paths of the files that the module was compiled from
 * @param displayRoot the folder that the file is named relative to
 */
export function locateError(error: WireErrorDto, inputs: readonly string[], displayRoot: string): ModuleProblem {
	const message = error.name === "Error" ? error.message : `${error.name}: ${error.message}`;
	const own = new Set(inputs);
	for (const frame of (error.stack ?? "").split("\n")) {
		const place = FRAME.exec(frame);
		const path = pathOf(place?.[1]);
		if (path !== undefined && own.has(path)) {
			return { message, file: relative(displayRoot, path), line: Number(place?.[2]), column: Number(place?.[3]) };
		}
	}
	return { message };
}

/** The `file:line:column` at the end of a V8 stack frame. */
const FRAME = /((?:file:\/\/)?\/[^\s()]+):(\d+):(\d+)\)?$/;

function pathOf(location: string | undefined): string | undefined {
	if (location?.startsWith("file://") !== true) return location;
	try {
		return fileURLToPath(location);
	} catch {
		return undefined; // the stack is the module's own text and may say anything
	}
}
