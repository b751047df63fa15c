/**
 * Files that keep the counters of modules while the host is down, one a module.
 *
 * Prometheus takes a counter that falls for one that began again at zero, and counts all of it once more: a file that is
 * older than what was shown is worse than none. So a module's file is written before the page shows its new totals, and
 * it is removed when that fails.
 */
import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import { messageOf } from "../../core/errors.ts";
import { readStateFile, UNFINISHED_SUFFIX, writeStateFile } from "../../state/atomic-file.ts";

/** All of it is about one module at a time; nothing rejects, and what is asked for one module is done in that order. */
export interface CounterStore {
	/** The text that was saved last; undefined when there is none that can be read. */
	load(moduleId: string): Promise<string | undefined>;
	/** Resolves when the text is on the disk. @param text undefined when there is nothing to keep */
	save(moduleId: string, text: string | undefined): Promise<void>;
	/** The text cannot be used: tells why, and forgets it. */
	reject(moduleId: string, why: string): Promise<void>;
	/** Forgets all modules but these. */
	retain(moduleIds: readonly string[]): Promise<void>;
}

/** @param onProblem is told of a file that cannot be used or written, at most once a module */
export function createCounterStore(stateDir: string, onProblem: (what: string) => void): CounterStore {
	const folder = folderOf(stateDir);
	const working = new Map<string, Promise<unknown>>();
	const told = new Set<string>();

	return {
		load: (moduleId) => inTurn(moduleId, (file) => readStateFile(file, MAX_FILE_BYTES)),
		save: (moduleId, text) =>
			inTurn(moduleId, (file) => (text === undefined ? rm(file, { force: true }) : writeStateFile(file, text))),
		async reject(moduleId, why) {
			tell(moduleId, why);
			await inTurn(moduleId, (file) => rm(file, { force: true }));
		},
		async retain(moduleIds) {
			const kept = new Set(moduleIds.map(fileName));
			const names = await readdir(folder).catch((): readonly string[] => []);
			await Promise.all(
				names
					.filter(
						(name) => !kept.has(name.endsWith(UNFINISHED_SUFFIX) ? name.slice(0, -UNFINISHED_SUFFIX.length) : name),
					)
					.map((name) => rm(path.join(folder, name), { force: true }).catch((error) => tell(name, messageOf(error)))),
			);
		},
	};

	function inTurn<Result>(moduleId: string, work: (file: string) => Promise<Result>): Promise<Result | undefined> {
		const file = path.join(folder, fileName(moduleId));
		const done = (working.get(moduleId) ?? Promise.resolve()).then(async () => {
			try {
				return await work(file);
			} catch (error) {
				tell(moduleId, messageOf(error));
				await rm(file, { force: true }).catch(() => undefined);
				return undefined;
			}
		});
		working.set(moduleId, done);
		return done;
	}

	function tell(moduleId: string, why: string): void {
		if (told.has(moduleId)) return;
		told.add(moduleId);
		onProblem(
			`the counters of ${moduleId} in ${folder} cannot be kept, so they begin again at a restart of the host: ${why}`,
		);
	}
}

/** For a host that keeps none: what another one kept would be out of date for the next one that does. */
export async function clearCounterStore(stateDir: string): Promise<void> {
	await rm(folderOf(stateDir), { recursive: true, force: true });
}

/** More than the largest number of series that a module may have by default takes up, many times over. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

function folderOf(stateDir: string): string {
	return path.join(stateDir, "counters");
}

/** A module's name is plain (module-id.ts): it needs no escape in a file name, and a kind has no dot. */
function fileName(moduleId: string): string {
	return `${moduleId.replace("/", ".")}.jsonl`;
}
