import { type FileStamp, readStamp } from "./file-fingerprint.ts";

/** Reads each file's stamp once, however many modules share it. For one scan. */
export interface StampReader {
	read(path: string): Promise<FileStamp | undefined>;
}

export function createStampReader(): StampReader {
	const stamps = new Map<string, Promise<FileStamp | undefined>>();
	return {
		read(path) {
			let stamp = stamps.get(path);
			if (stamp === undefined) {
				stamp = readStamp(path);
				stamps.set(path, stamp);
			}
			return stamp;
		},
	};
}
