import type { BigIntStats } from "node:fs";
import { stat } from "node:fs/promises";

/** What tells a changed file from an unchanged one without reading it. */
export interface FileStamp {
	readonly key: string;
	/**
	 * False when the file was changed so shortly before the stamp was taken that another change may fall into the same
	 * tick of the file system's clock and leave no mark (git's "racily clean" entries). Such a stamp proves nothing.
	 */
	readonly settled: boolean;
}

export type FileStamps = ReadonlyMap<string, FileStamp>;

/** File systems take their times from the kernel's coarse clock, which moves every 1 to 10 ms. */
export const SETTLE_MS = 20;

/** @param nowMs the time, as of `Date.now()`, before `stats` were asked for */
export function toStamp(stats: BigIntStats, nowMs: number): FileStamp {
	const { dev, ino, size, mtimeNs, ctimeNs } = stats;
	// The change time is among them because the modification time can be set back, as `cp -p` and `tar` do.
	const key = [dev, ino, size, mtimeNs, ctimeNs].join(":");
	const ageMs = nowMs - Number(ctimeNs / 1_000_000n);
	return { key, settled: Math.abs(ageMs) >= SETTLE_MS };
}

/** Which file a stamp is of, whatever its content, and how long that is; undefined where there was none. */
export function identityOf(stamp: FileStamp): { readonly file: string; readonly size: bigint } | undefined {
	const [dev, ino, size] = stamp.key.split(":");
	return size === undefined ? undefined : { file: `${dev}:${ino}`, size: BigInt(size) };
}

/** Of a path that leads nowhere. */
const ABSENT: FileStamp = { key: "absent", settled: true };

/** The stamp of what a path leads to now, or of that it leads nowhere. */
export async function stampOf(path: string): Promise<FileStamp> {
	return (await readStamp(path)) ?? ABSENT;
}

export function isAbsent({ key }: FileStamp): boolean {
	return key === ABSENT.key;
}

/** The stamp of what a path leads to now, through symbolic links; undefined when it leads nowhere. */
export async function readStamp(path: string): Promise<FileStamp | undefined> {
	const nowMs = Date.now();
	try {
		return toStamp(await stat(path, { bigint: true }), nowMs);
	} catch {
		return undefined;
	}
}
