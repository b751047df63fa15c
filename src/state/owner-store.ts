/**
 * Brings the owners of names over a restart of the host, in one small file.
 *
 * Nobody waits for a write. A host that is killed within a moment of a change comes back with the owners before it, and
 * where there is no file, or none that can be used, it is as on a first start.
 */
import path from "node:path";
import { messageOf } from "../core/errors.ts";
import { createSlicer } from "../core/time-slicer.ts";
import { decodeOwners, encodeOwners, MAX_OWNER_FILE_BYTES, type OwnedNames, type OwnerFormat } from "./owner-file.ts";
import { readStateFile, writeStateFile } from "./atomic-file.ts";

export interface OwnerKeeper<Name> {
	/** What was kept last; empty when there is nothing that can be used. Never rejects. */
	load(): Promise<readonly OwnedNames<Name>[]>;
	/**
	 * Owners may have changed: what they are in a moment is written then, once for all changes until then, if it is not
	 * what is kept already.
	 */
	changed(owned: () => Iterable<OwnedNames<Name>>): void;
	/** Resolves when what has changed so far is on the disk, or cannot be. Safe to call twice; never rejects. */
	flush(): Promise<void>;
	/** As `flush`, for the last time: what changes afterwards is not written. */
	close(): Promise<void>;
}

export interface OwnerKeeperOptions<Name> {
	readonly stateDir: string;
	readonly format: OwnerFormat<Name>;
	/** Told of a file that cannot be used, and of the first that cannot be written. */
	readonly onProblem: (what: string) => void;
}

export function createOwnerKeeper<Name>({ stateDir, format, onProblem }: OwnerKeeperOptions<Name>): OwnerKeeper<Name> {
	const file = path.join(stateDir, format.fileName);
	const slicer = createSlicer();
	let pending: (() => Iterable<OwnedNames<Name>>) | undefined;
	let timer: NodeJS.Timeout | undefined;
	let writing: Promise<void> = Promise.resolve();
	let kept: string | undefined;
	let isProblemTold = false;
	let isClosed = false;

	return {
		async load() {
			try {
				const text = await readStateFile(file, MAX_OWNER_FILE_BYTES);
				if (text === undefined) return [];
				const owned = await slicer.run(decodeOwners(text, format));
				if (owned !== undefined) {
					kept = text;
					return owned;
				}
				onProblem(`${file} is damaged, so ${format.firstOwner}, as on a first start`);
			} catch (error) {
				onProblem(`${file} cannot be read, so ${format.firstOwner}, as on a first start: ${messageOf(error)}`);
			}
			return [];
		},
		changed(owned) {
			if (isClosed) return;
			pending = owned;
			timer ??= setTimeout(() => void flush(), WRITE_DELAY_MS).unref();
		},
		flush,
		close() {
			isClosed = true;
			return flush();
		},
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
		const text = await slicer.run(encodeOwners(owned, format));
		if (text === kept) return;
		try {
			await writeStateFile(file, text);
			kept = text;
		} catch (error) {
			if (isProblemTold) return;
			isProblemTold = true;
			onProblem(`owners of ${format.kind} cannot be kept for the next start of the host: ${messageOf(error)}`);
		}
	}
}

/** Long enough for the changes of a start to be one write, and short enough to lose little. */
const WRITE_DELAY_MS = 1000;
