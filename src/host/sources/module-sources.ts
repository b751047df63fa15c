import { BulkheadError, messageOf } from "../../core/errors.ts";
import type { Compiler } from "../compile/compiler.ts";
import { createDiscovery, type ModuleFolders } from "./discovery.ts";
import type { ModuleId } from "../../core/module-id.ts";
import type { ModuleListing, RefusedFile } from "./listing.ts";
import type { SourceLog } from "../../logging/source-log.ts";
import { createStampReader } from "./fingerprint-reader.ts";
import { createTrackedModule, type ModuleEvent, type TrackedModule } from "./source-tracker.ts";

export type SourceEvent =
	| ModuleEvent
	/** A file looks like a module and cannot be one. Said again when it was gone, or had another reason, meanwhile. */
	| { readonly type: "refused"; readonly file: string; readonly problem: string };

export interface ModuleSourcesOptions {
	/** Absolute paths. */
	readonly folders: ModuleFolders;
	/** Stays the caller's: it is not stopped with the sources. */
	readonly compiler: Compiler;
	readonly log: SourceLog;
	/** How often to look for changes that no event tells of. */
	readonly pollMs?: number;
	readonly onEvent: (event: SourceEvent) => void;
	/** Whether a module has been found, and has neither started nor failed to. */
	readonly isArriving?: (id: ModuleId) => boolean;
}

/** The modules of the two folders, compiled, and compiled again when what they were compiled from changes. */
export interface ModuleSources {
	/**
	 * Resolves when everything that was there has been compiled, or has failed to, and has been reported.
	 *
	 * @throws BulkheadError ILLEGAL_TRANSITION after `stop()`
	 */
	start(): Promise<void>;
	/** No event comes once it has been called. Resolves when nothing runs any more. Idempotent. */
	stop(): Promise<void>;
	/** The files that are refused at the moment, and why. */
	refused(): readonly RefusedFile[];
}

export function createModuleSources(options: ModuleSourcesOptions): ModuleSources {
	const { compiler, log, onEvent, isArriving = () => false } = options;
	const modules = new Map<ModuleId, TrackedModule>();
	const refused = new Map<string, RefusedFile>();
	const leaving = new Set<Promise<void>>();
	const discovery = createDiscovery({ ...options, onScan });
	let starting: Promise<void> | undefined;
	let stopping: Promise<void> | undefined;

	function emit(event: SourceEvent): void {
		if (stopping !== undefined) return;
		try {
			onEvent(event);
		} catch (error) {
			log.error(`a listener failed at the event "${event.type}": ${messageOf(error)}`, { error });
		}
	}

	async function onScan(listing: ModuleListing): Promise<void> {
		const stamps = createStampReader();
		const listed = new Set(listing.sources.map(({ id }) => id));
		await Promise.all(listing.sources.map((source) => tracked(source.id).visit(source, stamps)));
		for (const [id, module] of modules) {
			const missingSince = listed.has(id) ? undefined : module.miss();
			if (missingSince === undefined) continue;
			const heirs = heirsOf(id, missingSince).filter((heir) => listed.has(heir));
			const isWaitedFor = performance.now() - missingSince < HEIR_WAIT_MS && heirs.some(isArriving);
			if (isWaitedFor) discovery.scanIn(HEIR_POLL_MS);
			else remove(id, module, heirs);
		}
		reportRefused(listing.refused);
		await compiler
			.restore()
			.catch((error: unknown) => log.warn(`compiled modules cannot be written again: ${messageOf(error)}`));
	}

	function tracked(id: ModuleId): TrackedModule {
		let module = modules.get(id);
		if (module === undefined) {
			module = createTrackedModule({ id, compiler, log, emit, scanIn: discovery.scanIn, now: () => performance.now() });
			modules.set(id, module);
		}
		return module;
	}

	/** A move is seen as a file that is gone and one that has come: what came is an heir. */
	function heirsOf(id: ModuleId, missingSince: number): readonly ModuleId[] {
		const [kind] = id.split("/", 1);
		return [...modules]
			.filter(
				([other, { firstSeenAt }]) => other.startsWith(`${kind}/`) && firstSeenAt >= missingSince - HEIR_WINDOW_MS,
			)
			.map(([other]) => other);
	}

	function remove(id: ModuleId, module: TrackedModule, heirs: readonly ModuleId[]): void {
		modules.delete(id);
		const left = module
			.leave(heirs)
			.catch((error: unknown) => log.warn(`${id} is gone, and could not be cleared away: ${messageOf(error)}`))
			.finally(() => leaving.delete(left));
		leaving.add(left);
	}

	function reportRefused(now: readonly RefusedFile[]): void {
		const before = new Map(refused);
		refused.clear();
		for (const refusal of now) {
			refused.set(refusal.file, refusal);
			if (before.get(refusal.file)?.problem !== refusal.problem) emit({ type: "refused", ...refusal });
		}
	}

	return {
		start() {
			if (stopping !== undefined) {
				return Promise.reject(
					new BulkheadError("ILLEGAL_TRANSITION", "the module sources were stopped; make new ones"),
				);
			}
			starting ??= (async () => {
				await discovery.start();
				await Promise.all([...modules.values()].map((module) => module.settled()));
				if (stopping === undefined) await compiler.keepOnly([...modules.keys()]);
			})();
			return starting;
		},
		stop() {
			stopping ??= (async () => {
				await discovery.stop();
				await Promise.all([...[...modules.values()].map((module) => module.settled()), ...leaving]);
			})();
			return stopping;
		},
		refused: () => [...refused.values()],
	};
}

/** How much earlier than the one that is gone its heir may have been seen: a listing may have had both. */
const HEIR_WINDOW_MS = 500;
/** How long a module whose file was moved serves on while its heir starts. */
const HEIR_WAIT_MS = 15_000;
const HEIR_POLL_MS = 20;
