import { constants } from "node:fs";
import { type FileHandle, lstat, open, readlink, realpath, stat } from "node:fs/promises";
import process from "node:process";
import { type FileStamp, toStamp } from "./file-fingerprint.ts";

export type RegularFile =
	| {
			readonly type: "read";
			readonly contents: Buffer;
			readonly stamp: FileStamp;
			/** Of what was read, whatever the path has come to lead to meanwhile. */
			readonly realPath: string;
	  }
	| { readonly type: "too large" | "irregular" }
	| { readonly type: "failed"; readonly code: string };

/** Of a package.json; those of packages have a few KiB. */
export const MAX_MANIFEST_BYTES = 1024 * 1024;

/** Reads a file of at most so many bytes: never waits for a FIFO, never asks a device, never reads what grows for ever. */
export async function readRegularFile(path: string, maxBytes: number): Promise<RegularFile> {
	let handle: FileHandle | undefined;
	try {
		const nowMs = Date.now();
		// To open a device may already do something.
		if (!(await stat(path)).isFile()) return { type: "irregular" };
		handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0));
		const stats = await handle.stat({ bigint: true });
		if (!stats.isFile()) return { type: "irregular" };
		if (stats.size > maxBytes) return { type: "too large" };
		const contents = await readAtMost(handle, maxBytes, Number(stats.size));
		if (contents === undefined) return { type: "too large" };
		return { type: "read", contents, stamp: toStamp(stats, nowMs), realPath: await realPathOf(handle, path) };
	} catch (error) {
		return { type: "failed", code: error instanceof Error && "code" in error ? String(error.code) : "EIO" };
	} finally {
		await handle?.close();
	}
}

/** A file may grow while it is read, and those of /proc have more in them than their size says. */
async function readAtMost(handle: FileHandle, maxBytes: number, size: number): Promise<Buffer | undefined> {
	const chunks: Buffer[] = [];
	let length = 0;
	for (let want = size + 1; ; want = CHUNK_BYTES) {
		const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(want), 0, want, null);
		if (bytesRead === 0) return Buffer.concat(chunks, length);
		chunks.push(buffer.subarray(0, bytesRead));
		length += bytesRead;
		if (length > maxBytes) return undefined;
	}
}

const CHUNK_BYTES = 64 * 1024;

async function realPathOf(handle: FileHandle, path: string): Promise<string> {
	if (process.platform === "linux") {
		const real = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => undefined);
		if (real !== undefined) return real;
	}
	const [real, opened] = [await realpath(path), await handle.stat()];
	const { dev, ino } = await lstat(real);
	if (dev !== opened.dev || ino !== opened.ino) throw new Error("it was replaced while it was read");
	return real;
}
