import { messageOf } from "../../core/errors.ts";
import type { CompileProblem } from "../bundle/compile-problem.ts";
import type { CompiledModule, CompileResult, Compiler } from "../compile/compiler.ts";
import { readStamp, SETTLE_MS } from "../../core/file-fingerprint.ts";
import type { ModuleId } from "../../core/module-id.ts";
import type { ModuleSource } from "./listing.ts";
import type { SourceLog } from "../../logging/source-log.ts";
import { createWriteSettling } from "./write-settling.ts";
import { createStampReader, type StampReader } from "./fingerprint-reader.ts";

/** What became of one module's files. */
export type ModuleEvent =
	/** There is a version that is another one than the last of which this was said. */
	| { readonly type: "compiled"; readonly source: ModuleSource; readonly compiled: CompiledModule }
	/** It compiles again after it failed to, to the version that was compiled last. */
	| { readonly type: "repaired"; readonly source: ModuleSource; readonly compiled: CompiledModule }
	/** It does not compile. Not said twice of the same problems. */
	| { readonly type: "failed"; readonly source: ModuleSource; readonly problems: readonly CompileProblem[] }
	/** Its files are gone. Only said of a module of which something was said before. `heirs` came as it went. */
	| { readonly type: "removed"; readonly id: ModuleId; readonly heirs: readonly ModuleId[] };

/** One module, from scan to scan: compiles it when it has to be, one compilation at a time, and says what came of it. */
export interface TrackedModule {
	/** A scan found it. Resolves when it is known whether it has to be compiled, which then goes on by itself. */
	visit(source: ModuleSource, stamps: StampReader): Promise<void>;
	/** When a scan found it first, as of `now()`. */
	readonly firstSeenAt: number;
	/**
	 * A scan did not find it.
	 * @returns since when it has been missing, when it is gone and not only being replaced by an editor
	 */
	miss(): number | undefined;
	/** Ends it: nothing more is said but that it is removed. Resolves when what was compiled of it is deleted. */
	leave(heirs: readonly ModuleId[]): Promise<void>;
	/** Resolves when it is not being compiled. */
	settled(): Promise<void>;
}

export interface TrackedModuleOptions {
	readonly id: ModuleId;
	readonly compiler: Compiler;
	readonly log: SourceLog;
	readonly emit: (event: ModuleEvent) => void;
	/** Asks for another scan after so many milliseconds. */
	readonly scanIn: (delayMs: number) => void;
	/** In milliseconds, and never going back. */
	readonly now: () => number;
}

/** How long a module may be missing. Editors replace a file by deleting it, and tools replace a whole folder. */
const REMOVAL_GRACE_MS = 150;
/** How often a module that does not compile is tried again although nothing has changed that is known to matter. */
const RETRY_MS = 30_000;

export function createTrackedModule({ id, compiler, log, emit, scanIn, now }: TrackedModuleOptions): TrackedModule {
	const settling = createWriteSettling(now);
	let newest: ModuleSource | undefined;
	let last: { readonly entry: string; readonly result: CompileResult; readonly at: number } | undefined;
	let compiling: Promise<void> | undefined;
	let visitedMeanwhile = false;
	let missingSince: number | undefined;
	let gone = false;
	let said: { readonly hash: string | undefined; readonly problems: string | undefined } | undefined;

	/** Whether what was compiled last may not be what lies there now, as far as can be told without reading it. */
	async function isStale(entry: string, stamps: StampReader): Promise<boolean> {
		if (last?.entry !== entry) return true;
		const checks = [...last.result.stamps].map(async ([path, before]) => {
			return !before.settled || (await stamps.read(path)).key !== before.key;
		});
		return (await Promise.all(checks)).includes(true);
	}

	/** Asks for another scan when it is. */
	async function isBeingWritten(entry: string, stamps: StampReader): Promise<boolean> {
		if (last?.entry !== entry) return false;
		const leftMs = await settling.leftMs(last.result.stamps, stamps);
		if (leftMs > 0) scanIn(leftMs);
		return leftMs > 0;
	}

	/** A problem may lie in what left no stamp. */
	function isWorthRetrying(): boolean {
		if (last === undefined || last.result.ok) return false;
		const { retry } = last.result;
		return retry === "soon" || (retry === "later" && now() - last.at >= RETRY_MS);
	}

	async function compileUntilFresh(first: ModuleSource): Promise<void> {
		let source = first;
		for (;;) {
			visitedMeanwhile = false;
			const result = await compiler.compile(source);
			last = { entry: source.entry, result, at: now() };
			await report(source, result);
			// A scan that came while it was being compiled saw what has changed since, and left it to this.
			if (gone || !visitedMeanwhile) return;
			source = newest ?? source;
			const stamps = createStampReader();
			if (!(await isStale(source.entry, stamps)) || (await isBeingWritten(source.entry, stamps))) return;
		}
	}

	async function report(source: ModuleSource, result: CompileResult): Promise<void> {
		if ([...result.stamps.values()].some(({ settled }) => !settled)) scanIn(2 * SETTLE_MS);
		// An entry that is gone since it was listed is being replaced, or will be missed: the next scan knows which.
		const vanished = !result.ok && (await readStamp(source.entry)) === undefined;
		if (vanished) scanIn(2 * SETTLE_MS);
		if (gone || vanished) return;
		if (result.ok) return reportCompiled(source, result);
		const problems = JSON.stringify(result.problems);
		if (said?.problems === problems) return;
		said = { hash: said?.hash, problems };
		emit({ type: "failed", source, problems: result.problems });
	}

	function reportCompiled(source: ModuleSource, compiled: CompiledModule): void {
		const before = said;
		said = { hash: compiled.hash, problems: undefined };
		if (before?.hash === compiled.hash) {
			if (before.problems !== undefined) emit({ type: "repaired", source, compiled });
			return;
		}
		for (const { file, line, column, message } of compiled.warnings) {
			log.warn(`${file}:${line}:${column} ${message}`, { module: id });
		}
		emit({ type: "compiled", source, compiled });
	}

	return {
		firstSeenAt: now(),
		async visit(source, stamps) {
			newest = source;
			missingSince = undefined;
			visitedMeanwhile = true;
			if (compiling !== undefined || !(isWorthRetrying() || (await isStale(source.entry, stamps)))) return;
			if (await isBeingWritten(source.entry, stamps)) return;
			compiling = compileUntilFresh(source)
				.catch((error: unknown) => log.error(`${id} could not be compiled: ${messageOf(error)}`, { module: id, error }))
				.finally(() => {
					compiling = undefined;
				});
		},
		miss() {
			missingSince ??= now();
			const leftMs = missingSince + REMOVAL_GRACE_MS - now();
			if (leftMs > 0) scanIn(leftMs);
			return leftMs <= 0 ? missingSince : undefined;
		},
		async leave(heirs) {
			gone = true;
			if (said !== undefined) emit({ type: "removed", id, heirs });
			// At once, so that it comes before a compilation of a module that has this id next.
			await Promise.all([compiler.forget(id), compiling]);
		},
		async settled() {
			await compiling;
		},
	};
}
