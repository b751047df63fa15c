import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { messageOf } from "../../core/errors.ts";
import type { SourceLog } from "../../logging/source-log.ts";
import { createTurns } from "../../core/keyed-queue.ts";

/** One version of a module: code that never changes under its hash, and the way back to the author's lines. */
export interface Bundle {
	readonly hash: string;
	readonly extension: ".mjs" | ".cjs";
	readonly code: string;
	readonly sourceMap: string;
}

/**
 * The versions in `STATE_DIR/modules/<kind>-<name>/`. The folder is a copy of what is in memory, because it may be
 * deleted at any time, also while a version runs whose source has changed since.
 */
export interface BundleStore {
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
	/** Drops the folders of all modules but these, which earlier processes left. */
	keepOnly(ids: readonly string[]): Promise<void>;
	/** Resolves when nothing is being written or deleted. */
	settled(): Promise<void>;
}

export function createBundleStore(stateDir: string, log: SourceLog): BundleStore {
	const modulesDir = join(stateDir, "modules");
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

	return {
		write: (id, bundle) =>
			turns.take(id, async () => {
				const files = filesOf(bundle);
				const others = (kept.get(id) ?? []).filter(({ hash }) => hash !== bundle.hash);
				kept.set(id, [...others, { hash: bundle.hash, files }]);
				for (const { name, text } of files) await writeWhole(join(folderOf(id), name), text);
				return join(folderOf(id), `${bundle.hash}${bundle.extension}`);
			}),
		retain(id, hashes) {
			void turns.take(id, async () => {
				const bundles = kept.get(id);
				const newest = bundles?.at(-1);
				if (bundles === undefined || newest === undefined) return;
				kept.set(
					id,
					bundles.filter((bundle) => bundle === newest || hashes.includes(bundle.hash)),
				);
				await prune(id);
			});
		},
		async restore(one) {
			const writing = (one === undefined ? [...kept.keys()] : [one]).map((id) =>
				turns.take(id, async () => {
					for (const { name, text, bytes } of (kept.get(id) ?? []).flatMap(({ files }) => files)) {
						const path = join(folderOf(id), name);
						if ((await sizeOf(path)) !== bytes) await writeWhole(path, text);
					}
				}),
			);
			await Promise.all(writing);
		},
		forget: (id) =>
			turns.take(id, async () => {
				kept.delete(id);
				await remove(folderOf(id));
			}),
		async keepOnly(ids) {
			const names = await namesIn(modulesDir);
			// With those that were written since it was asked.
			const wanted = new Set([...ids, ...kept.keys()].map(folderName));
			const others = names.filter((name) => !wanted.has(name) && MODULE_FOLDER.test(name));
			await Promise.all(others.map((name) => remove(join(modulesDir, name))));
		},
		settled: turns.settled,
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
}
interface KeptFile {
	readonly name: string;
	readonly text: string;
	readonly bytes: number;
}

/** The source map comes first: a bundle that is there has one. */
function filesOf({ hash, extension, code, sourceMap }: Bundle): readonly KeptFile[] {
	const name = `${hash}${extension}`;
	return [
		{ name: `${name}.map`, text: sourceMap },
		{ name, text: `${code}\n//# sourceMappingURL=${name}.map\n` },
	].map((file) => ({ ...file, bytes: Buffer.byteLength(file.text) }));
}

/** A worker that reads meanwhile, and a host that dies meanwhile, see the whole file or none. */
async function writeWhole(path: string, text: string): Promise<void> {
	const draft = `${path}.${randomUUID()}.tmp`;
	await mkdir(dirname(path), { recursive: true });
	try {
		await writeFile(draft, text);
		await rename(draft, path);
	} catch (error) {
		await rm(draft, { force: true });
		throw error;
	}
}

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
