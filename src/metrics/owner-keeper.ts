/**
 * Brings the owners of metric families over a restart of the host, in one small file.
 *
 * Nobody waits for a write. A host that is killed within a moment of a change comes back with the owners before it, and
 * where there is no file, or none that can be used, it is as on a first start.
 */
import path from "node:path";
import { messageOf } from "../errors.ts";
import { decodeOwners, encodeOwners, MAX_OWNER_FILE_BYTES, type OwnedNames } from "./owner-file.ts";
import { createSlicer } from "./slicer.ts";
import { readStateFile, writeStateFile } from "./state-file.ts";

export interface OwnerKeeper {
	/** What was kept last; empty when there is nothing that can be used. Never rejects. */
	load(): Promise<readonly OwnedNames[]>;
	/** Owners have changed: what they are in a moment is written then, once for all changes until then. */
	changed(owned: () => Iterable<OwnedNames>): void;
	/** Resolves when what has changed so far is on the disk, or cannot be. Safe to call twice; never rejects. */
	flush(): Promise<void>;
}

/** @param onProblem is told of a file that cannot be used, and of the first that cannot be written */
export function createOwnerKeeper(stateDir: string, onProblem: (what: string) => void): OwnerKeeper {
	const file = path.join(stateDir, OWNER_FILE);
	const slicer = createSlicer();
	let pending: (() => Iterable<OwnedNames>) | undefined;
	let timer: NodeJS.Timeout | undefined;
	let writing: Promise<void> = Promise.resolve();
	let isProblemTold = false;

	return {
		async load() {
			try {
				const text = await readStateFile(file, MAX_OWNER_FILE_BYTES);
				if (text === undefined) return [];
				const owned = await slicer.run(decodeOwners(text));
				if (owned !== undefined) return owned;
				onProblem(`${file} is damaged, so the first module to be collected owns a metric name, as on a first start`);
			} catch (error) {
				onProblem(
					`${file} cannot be read, so the first module to be collected owns a metric name, as on a first start: ${messageOf(error)}`,
				);
			}
			return [];
		},
		changed(owned) {
			pending = owned;
			timer ??= setTimeout(() => void flush(), WRITE_DELAY_MS).unref();
		},
		flush,
	};

	function flush(): Promise<void> {
		clearTimeout(timer);
		timer = undefined;
		writing = writing.then(write);
		return writing;
	}

	async function write(): Promise<void> {
		if (pending === undefined) return;
		const owned = pending();
		pending = undefined;
		try {
			await writeStateFile(file, await slicer.run(encodeOwners(owned)));
		} catch (error) {
			if (isProblemTold) return;
			isProblemTold = true;
			onProblem(`owners of metric names cannot be kept for the next start of the host: ${messageOf(error)}`);
		}
	}
}

const OWNER_FILE = "metric-owners.jsonl";

/** Long enough for the changes of a start to be one write, and short enough to lose little. */
const WRITE_DELAY_MS = 1000;
