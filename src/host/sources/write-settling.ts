/**
 * Waits for the end of a write. A file that is replaced (another inode: vim, rsync, most tools' atomic saves) is whole from
 * its first moment. One that is written in place (VS Code, nano, scp, sftp, rsync --inplace, network drives) is whole when
 * nothing is added any more, and each part of it may be a module that compiles.
 */
import { type FileStamp, type FileStamps, identityOf } from "../../core/file-fingerprint.ts";
import type { StampReader } from "./fingerprint-reader.ts";

export interface WriteSettling {
	/** How long to wait yet for the end of a write, in milliseconds; 0 when there is none. @param before stamps of what was compiled last */
	leftMs(before: FileStamps, stamps: StampReader): Promise<number>;
}

/** An editor's save: one write, at most with a truncation before it. */
const SAVE_QUIET_MS = 300;
/** A file that is shorter than it was, or goes on growing, comes in parts; a slow line pauses between them. */
const PARTS_QUIET_MS = 1500;
/** Changes that follow one another like this belong to one write. */
const SAME_WRITE_MS = 3000;
/** One that never ends is taken as it is. */
const MAX_WRITE_MS = 30_000;

/** @param now in milliseconds, and never going back */
export function createWriteSettling(now: () => number): WriteSettling {
	let write: { seen: string; beganAt: number; changedAt: number; quietMs: number; isOver: boolean } | undefined;

	return {
		async leftMs(before, stamps) {
			const changes = await changesInPlace(before, stamps);
			const at = now();
			if (write !== undefined && at - write.changedAt > SAME_WRITE_MS) write = undefined;
			if (changes.length === 0) return 0;
			const seen = changes.map(({ path, after }) => `${path} ${after.key}`).join("\n");
			if (write?.seen !== seen) {
				// After a save that seemed to be over, one of as many bytes or less is another save, and one of more a part of it.
				const goesOn =
					write !== undefined && (!write.isOver || changes.some(({ before: a, after: b }) => sizeOf(b) > sizeOf(a)));
				const isInParts = goesOn || changes.some(({ before: a, after: b }) => sizeOf(b) < sizeOf(a));
				const beganAt = goesOn && write !== undefined ? write.beganAt : at;
				write = { seen, beganAt, changedAt: at, quietMs: isInParts ? PARTS_QUIET_MS : SAVE_QUIET_MS, isOver: false };
			}
			const leftMs = at - write.beganAt > MAX_WRITE_MS ? 0 : Math.max(0, write.changedAt + write.quietMs - at);
			write.isOver = leftMs === 0;
			return leftMs;
		},
	};
}

interface Change {
	readonly path: string;
	readonly before: FileStamp;
	readonly after: FileStamp;
}

async function changesInPlace(before: FileStamps, stamps: StampReader): Promise<readonly Change[]> {
	const all = await Promise.all(
		[...before].map(async ([path, stamp]) => ({ path, before: stamp, after: await stamps.read(path) })),
	);
	return all.filter((each) => {
		if (each.before.key === each.after.key) return false;
		const [one, other] = [identityOf(each.before), identityOf(each.after)];
		return one !== undefined && one.file === other?.file;
	});
}

function sizeOf(stamp: FileStamp): bigint {
	return identityOf(stamp)?.size ?? 0n;
}
