import { mkdir } from "node:fs/promises";
import { messageOf } from "../../core/errors.ts";
import { createFolderWatch } from "./folder-watch.ts";
import { MODULE_KINDS, type ModuleKind } from "../../core/module-id.ts";
import { listModules, type ModuleListing } from "./listing.ts";
import { createScanSchedule, type ScanSchedule } from "./scan-scheduler.ts";
import type { SourceLog } from "../../logging/source-log.ts";

export type ModuleFolders = Readonly<Record<ModuleKind, string>>;

export interface DiscoveryOptions {
	/** Absolute paths. */
	readonly folders: ModuleFolders;
	readonly log: SourceLog;
	/** How often to look without an event. */
	readonly pollMs?: number;
	/** Called with what is there, at once and whenever something may have changed; never twice at a time. */
	onScan(listing: ModuleListing): Promise<void>;
}

/**
 * Finds the modules in the two folders, and looks again when something stirs. The truth is always a listing of the
 * folders: events only say when to look.
 */
export interface Discovery {
	/** Makes the folders where they are missing. Resolves after the first scan. */
	start(): Promise<void>;
	/** Another scan after so many milliseconds. */
	scanIn(delayMs: number): void;
	/** Resolves when no scan runs any more; none will. Idempotent, and safe without `start()`. */
	stop(): Promise<void>;
}

export function createDiscovery({ folders, log, pollMs, onScan }: DiscoveryOptions): Discovery {
	const watch = createFolderWatch(Object.values(folders), log, () => schedule?.request());
	const lastListings = new Map<ModuleKind, ModuleListing>();
	const complaints = new Map<ModuleKind, string>();
	const firstScan = Promise.withResolvers<void>();
	let schedule: ScanSchedule | undefined;
	let stopping: Promise<void> | undefined;

	async function scan(): Promise<void> {
		try {
			// Before the listing, so that nothing happens between the two unnoticed.
			await watch.aim();
			const listings = await Promise.all(MODULE_KINDS.map(list));
			await onScan({
				sources: listings.flatMap(({ sources }) => sources),
				refused: listings.flatMap(({ refused }) => refused),
			});
		} catch (error) {
			log.error(`the module folders could not be scanned: ${messageOf(error)}`, { error });
		}
		firstScan.resolve();
	}

	/** A folder that is gone has no modules. One that cannot be read at the moment still has those that it had. */
	async function list(kind: ModuleKind): Promise<ModuleListing> {
		try {
			const listing = await listModules(kind, folders[kind]);
			lastListings.set(kind, listing);
			complaints.delete(kind);
			return listing;
		} catch (error) {
			if (isMissing(error)) return NOTHING;
			const complaint = `${folders[kind]} cannot be listed, its modules stay as they are: ${messageOf(error)}`;
			if (complaints.get(kind) !== complaint) log.warn(complaint);
			complaints.set(kind, complaint);
			return lastListings.get(kind) ?? NOTHING;
		}
	}

	async function makeFolder(folder: string): Promise<void> {
		try {
			const made = await mkdir(folder, { recursive: true });
			if (made !== undefined) log.warn(`${folder} did not exist and was made; put modules into it`);
		} catch (error) {
			log.error(`${folder} is no folder and cannot be made; it has no modules until it is there: ${messageOf(error)}`);
		}
	}

	return {
		async start() {
			await Promise.all(Object.values(folders).map(makeFolder));
			if (stopping !== undefined) return;
			schedule ??= createScanSchedule(scan, pollMs);
			await firstScan.promise;
		},
		scanIn: (delayMs) => schedule?.requestIn(delayMs),
		stop() {
			stopping ??= (async () => {
				await schedule?.stop();
				await watch.close();
				firstScan.resolve();
			})();
			return stopping;
		},
	};
}

const NOTHING: ModuleListing = { sources: [], refused: [] };

function isMissing(error: unknown): boolean {
	return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}
