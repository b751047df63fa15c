import { type FileStamp, stampOf } from "../../core/file-fingerprint.ts";

/** Reads each file's stamp once, however many modules share it. For one scan. */
export interface StampReader {
	read(path: string): Promise<FileStamp>;
}

export function createStampReader(): StampReader {
	const stamps = new Map<string, Promise<FileStamp>>();
	return {
		read(path) {
			let stamp = stamps.get(path);
			if (stamp === undefined) {
				stamp = stampOf(path);
				stamps.set(path, stamp);
			}
			return stamp;
		},
	};
}
