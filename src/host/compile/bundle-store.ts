import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { messageOf } from "../../core/errors.ts";
import type { SourceLog } from "../../logging/source-log.ts";
import { createTurns } from "../../core/keyed-queue.ts";

/** One version of a module: code that never changes under its hash, and the way back to the author's lines. */
export interface Bundle {
	readonly hash: string;
	readonly extension: ".mjs" | ".cjs";
	/** Absolute path of a file with the code and then the source map, which becomes the store's. */
	readonly draft: string;
	readonly codeBytes: number;
	readonly mapBytes: number;
}

/**
 * The versions in `STATE_DIR/modules/<kind>-<name>/`. That folder may be deleted at any time, also while a version runs
 * whose source has changed since. So what lies there is a copy of a file that has no name any more and is only held open:
 * nothing of a bundle is in memory here, however large it is.
 */
export interface BundleStore {
	/** Where a draft may be written. @returns absolute path of a file that is not there */
	draft(): string;
	/**
	 * Keeps the version, and writes it. The same version again only gets its newer source map.
	 *
	 * @returns absolute path of the bundle
	 * @throws the error of the file system
	 */
	write(id: string, bundle: Bundle): Promise<string>;
	/** Drops all versions of the module except these and the newest, also those that earlier processes left. */
	retain(id: string, hashes: readonly string[]): void;
	/** Writes again what is missing of the versions that are kept, of one module or of all. */
	restore(id?: string): Promise<void>;
	/** Drops all of a module. */
	forget(id: string): Promise<void>;
	/** Drops the folders of all modules but these, and the drafts, that earlier processes left. */
	keepOnly(ids: readonly string[]): Promise<void>;
	/** Lets go of all that is held open. Resolves when nothing is being written or deleted. Idempotent. */
	close(): Promise<void>;
}

export function createBundleStore(stateDir: string, log: SourceLog): BundleStore {
	const modulesDir = join(stateDir, "modules");
	const draftsDir = join(stateDir, "compiling", randomUUID());
	const kept = new Map<string, readonly KeptBundle[]>(); // the newest comes last
	const turns = createTurns(); // one thing at a time is done in a module's folder

	const folderOf = (id: string) => join(modulesDir, folderName(id));

	/** Deletes what could be deleted; the rest is tried again the next time. */
	async function remove(path: string): Promise<void> {
		try {
			await rm(path, { recursive: true, force: true });
		} catch (error) {
			log.warn(`${path} is not needed any more and cannot be deleted: ${messageOf(error)}`);
		}
	}

	async function prune(id: string): Promise<void> {
		const wanted = new Set((kept.get(id) ?? []).flatMap(({ files }) => files.map(({ name }) => name)));
		for (const name of await namesIn(folderOf(id))) {
			if (!wanted.has(name)) await remove(join(folderOf(id), name));
		}
	}

	/** Keeps no other versions of the module than these. */
	async function keep(id: string, bundles: readonly KeptBundle[]): Promise<void> {
		const before = kept.get(id) ?? [];
		if (bundles.length > 0) kept.set(id, bundles);
		else kept.delete(id);
		for (const bundle of before) if (!bundles.includes(bundle)) await bundle.source.close();
	}

	return {
		draft: () => join(draftsDir, randomUUID()),
		write: (id, bundle) =>
			turns.take(id, async () => {
				const files = filesOf(bundle);
				const source = await open(bundle.draft, "r");
				await rm(bundle.draft, { force: true });
				const others = (kept.get(id) ?? []).filter(({ hash }) => hash !== bundle.hash);
				await keep(id, [...others, { hash: bundle.hash, files, source }]);
				for (const file of files) await writeWhole(join(folderOf(id), file.name), source, file);
				return join(folderOf(id), `${bundle.hash}${bundle.extension}`);
			}),
		retain(id, hashes) {
			void turns.take(id, async () => {
				const bundles = kept.get(id);
				const newest = bundles?.at(-1);
				if (bundles === undefined || newest === undefined) return;
				await keep(
					id,
					bundles.filter((bundle) => bundle === newest || hashes.includes(bundle.hash)),
				);
				await prune(id);
			});
		},
		async restore(one) {
			const writing = (one === undefined ? [...kept.keys()] : [one]).map((id) =>
				turns.take(id, async () => {
					for (const { source, files } of kept.get(id) ?? []) {
						for (const file of files) {
							const path = join(folderOf(id), file.name);
							if ((await sizeOf(path)) !== file.bytes) await writeWhole(path, source, file);
						}
					}
				}),
			);
			await Promise.all(writing);
		},
		forget: (id) =>
			turns.take(id, async () => {
				await keep(id, []);
				await remove(folderOf(id));
			}),
		async keepOnly(ids) {
			const names = await namesIn(modulesDir);
			// With those that were written since it was asked.
			const wanted = new Set([...ids, ...kept.keys()].map(folderName));
			const others = names.filter((name) => !wanted.has(name) && MODULE_FOLDER.test(name));
			await Promise.all(others.map((name) => remove(join(modulesDir, name))));
			const drafts = dirname(draftsDir);
			const left = (await namesIn(drafts)).filter((name) => name !== basename(draftsDir));
			await Promise.all(left.map((name) => remove(join(drafts, name))));
		},
		async close() {
			await turns.settled();
			await Promise.all([...kept.keys()].map((id) => turns.take(id, () => keep(id, []))));
			await remove(draftsDir);
		},
	};
}

/** Nothing else is deleted, should `STATE_DIR` have been pointed at something that has a folder `modules` of its own. */
const MODULE_FOLDER = /^(?:metrics|mcps)-/;

function folderName(id: string): string {
	return id.replace("/", "-");
}

interface KeptBundle {
	readonly hash: string;
	readonly files: readonly KeptFile[];
	/** The draft, which has no name any more. */
	readonly source: FileHandle;
}
interface KeptFile {
	readonly name: string;
	/** Where it begins in the draft. */
	readonly start: number;
	readonly bytes: number;
}

/** The source map comes first: a bundle that is there has one. */
function filesOf({ hash, extension, codeBytes, mapBytes }: Bundle): readonly KeptFile[] {
	const name = `${hash}${extension}`;
	return [
		{ name: `${name}.map`, start: codeBytes, bytes: mapBytes },
		{ name, start: 0, bytes: codeBytes },
	];
}

/** A worker that reads meanwhile, and a host that dies meanwhile, see the whole file or none. */
async function writeWhole(path: string, source: FileHandle, { start, bytes }: KeptFile): Promise<void> {
	const draft = `${path}.${randomUUID()}.tmp`;
	await mkdir(dirname(path), { recursive: true });
	try {
		await using target = await open(draft, "wx");
		const buffer = Buffer.allocUnsafe(Math.min(bytes, CHUNK_BYTES));
		for (let done = 0; done < bytes; ) {
			const { bytesRead } = await source.read(buffer, 0, Math.min(buffer.length, bytes - done), start + done);
			if (bytesRead === 0) throw new Error(`the draft of ${path} is not whole`);
			await target.writeFile(buffer.subarray(0, bytesRead));
			done += bytesRead;
		}
		await rename(draft, path);
	} catch (error) {
		await rm(draft, { force: true });
		throw error;
	}
}

const CHUNK_BYTES = 256 * 1024;

async function sizeOf(path: string): Promise<number | undefined> {
	try {
		return (await stat(path)).size;
	} catch {
		return undefined;
	}
}

async function namesIn(folder: string): Promise<readonly string[]> {
	try {
		return await readdir(folder);
	} catch {
		return [];
	}
}
