/** Small files that outlive the host: read whole or not at all, replaced whole or not at all. */
import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import path from "node:path";

/** Undefined when there is no such file. @throws {Error} when it cannot be read, or is larger than that */
export async function readStateFile(file: string, maxBytes: number): Promise<string | undefined> {
	const found = await stat(file).catch(absent);
	if (found === undefined) return undefined;
	if (found.size > maxBytes) throw new Error(`its file is larger than ${maxBytes} bytes`);
	return readFile(file, "utf8");
}

/** Resolves when the text is on the disk; its folder is made where there is none. One write of a file at a time. */
export async function writeStateFile(file: string, text: string): Promise<void> {
	await mkdir(path.dirname(file), { recursive: true });
	// Flushed before it takes the name: after a loss of power the name must not stand for half a file.
	await writeFile(`${file}${UNFINISHED_SUFFIX}`, text, { mode: 0o600, flush: true });
	await rename(`${file}${UNFINISHED_SUFFIX}`, file);
}

/** Ends the name of a file that is being written, or was when the host died. */
export const UNFINISHED_SUFFIX = ".new";

function absent(error: NodeJS.ErrnoException): undefined {
	if (error.code !== "ENOENT") throw error;
}
