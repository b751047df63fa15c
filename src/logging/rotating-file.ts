import { closeSync, existsSync, fstatSync, mkdirSync, openSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { BulkheadError, messageOf } from "../core/errors.ts";
import { createLineSink, type LineSink } from "./line-sink.ts";

export interface RotatingFile extends LineSink {
	/** Opens the file again, after it was moved away. @throws {BulkheadError} CONFIG_INVALID; lines go on into the old one */
	reopen(): void;
}

export interface RotatingFileOptions {
	readonly file: string;
	/** Which variable names it, for errors. */
	readonly variable: string;
	/** From this size on, in bytes, the file becomes `FILE.1`, what was that `FILE.2`, and so on. */
	readonly maxBytes: number;
	/** How many files there are at the most, this one included. */
	readonly maxFiles: number;
	/** See `createLineSink`. */
	readonly onDropped: (lines: number) => void;
	/** The file could not be rotated: it grows on, and the next attempt is after as much again. */
	readonly onProblem: (what: string) => void;
}

/**
 * A log file that does not grow without end. Renaming is done at once, in between two lines: a handful of system calls, on
 * the one occasion in so many megabytes.
 *
 * @throws {BulkheadError} CONFIG_INVALID when the file cannot be opened
 */
export function openRotatingFile(options: RotatingFileOptions): RotatingFile {
	const { file, variable, maxBytes, maxFiles, onDropped, onProblem } = options;
	let current = open();
	/** Below it nothing is done: a file that cannot be rotated is not tried again with each line. */
	let rotateAt = maxBytes;

	function open(): { readonly sink: LineSink; readonly fd: number; readonly isFile: boolean; bytes: number } {
		try {
			mkdirSync(path.dirname(file), { recursive: true });
			const fd = openSync(file, "a");
			const stat = fstatSync(fd);
			return { fd, isFile: stat.isFile(), bytes: stat.size, sink: createLineSink(fd, onDropped) };
		} catch (cause) {
			throw new BulkheadError("CONFIG_INVALID", `${variable} cannot be written: ${messageOf(cause)}`, { cause });
		}
	}

	function replace(): void {
		const before = current;
		current = open();
		before.sink.close();
		closeSync(before.fd);
	}

	function rotate(): void {
		try {
			if (maxFiles === 1) rmSync(file);
			for (let number = maxFiles - 1; number >= 1; number--) {
				const from = number === 1 ? file : `${file}.${number - 1}`;
				if (existsSync(from)) renameSync(from, `${file}.${number}`);
			}
			replace();
			rotateAt = maxBytes;
		} catch (error) {
			rotateAt = current.bytes + maxBytes;
			onProblem(`${file} could not be rotated, and grows on: ${messageOf(error)}`);
		}
	}

	return {
		write(line) {
			// Of a device or a pipe there is nothing to rename.
			if (current.isFile && current.bytes >= rotateAt) rotate();
			current.bytes += Buffer.byteLength(line);
			current.sink.write(line);
		},
		flush: () => current.sink.flush(),
		close() {
			current.sink.close();
			closeSync(current.fd);
		},
		reopen() {
			replace();
			rotateAt = maxBytes;
		},
	};
}
