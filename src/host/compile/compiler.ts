import { createHash } from "node:crypto";
import { BulkheadError, messageOf } from "../../core/errors.ts";
import { acquireBuildService, ServiceEndedError } from "./esbuild-service.ts";
import { createBundleStore } from "./bundle-store.ts";
import type { BundledLibraries } from "./bundled-libraries.ts";
import { type CompileProblem, entryProblem } from "./compile-problem.ts";
import type { FileStamps } from "./file-fingerprint.ts";
import { type BuildJob, type BuildOutcome, createModuleBuilder, type RefusedBuiltin } from "./bundler.ts";
import type { ModuleId } from "../../core/module-id.ts";
import { type ModulePaths, resolveModulePaths, sayPath } from "./module-paths.ts";
import { createPermits } from "../../core/semaphore.ts";
import { isClientLibrary, type SharedLibrary } from "./shared-libraries.ts";
import type { SourceLog } from "../../logging/source-log.ts";
import { createTurns } from "../../core/keyed-queue.ts";

/** What to compile: an entry, and the module folder that it lies in; both absolute. */
export interface CompileSource {
	readonly id: ModuleId;
	readonly entry: string;
	readonly root: string;
}

export type CompileResult = CompiledModule | FailedCompile;

/** One version of a module, ready to be imported. */
export interface CompiledModule {
	readonly ok: true;
	readonly id: ModuleId;
	/** Of the bundle's code: the same code is the same version, whatever happened to the files. */
	readonly hash: string;
	/** Absolute path in the state folder: `.mjs` for an ES module, `.cjs` for CommonJS, whose exports are its default. */
	readonly bundlePath: string;
	/** Absolute paths of the files it was compiled from, as its author knows them and as stack traces name them. */
	readonly inputs: readonly string[];
	readonly stamps: FileStamps;
	/** The metrics client libraries that the bundle imports, as the very files that it imports. */
	readonly clients: readonly SharedLibrary[];
	/** Every library that the bundle imports and does not contain, the clients among them. */
	readonly libraries: readonly SharedLibrary[];
	/** What is probably a mistake, and runs nevertheless. */
	readonly warnings: readonly CompileProblem[];
}

export interface FailedCompile {
	readonly ok: false;
	readonly id: ModuleId;
	/** Never empty. */
	readonly problems: readonly CompileProblem[];
	/** The files that were read before it failed. */
	readonly inputs: readonly string[];
	readonly stamps: FileStamps;
	/** False when trying again is costly, and cannot help before a file has changed. */
	readonly retriable: boolean;
}

/** Compiles modules into the state folder. Safe to use for several modules, and several times for one, at once. */
export interface Compiler {
	/**
	 * Never rejects for what is in the files.
	 *
	 * @throws BulkheadError ILLEGAL_TRANSITION after `stop()`
	 */
	compile(source: CompileSource): Promise<CompileResult>;
	/** Names the versions of a module that are in use. All others but the newest are deleted; until then, none is. */
	retain(id: string, hashes: readonly string[]): void;
	/** Writes what is missing of the versions in use, of one module or of all, should the state folder have been deleted. */
	restore(id?: string): Promise<void>;
	/** Deletes what earlier processes left of all modules but these. */
	keepOnly(ids: readonly string[]): Promise<void>;
	/** The module is gone: gives up its versions, and what was kept to build it again quickly. */
	forget(id: string): Promise<void>;
	/** Idempotent. Compilations under way end with a problem. What was compiled stays. */
	stop(): Promise<void>;
}

export interface CompilerOptions {
	/** Absolute path. Made when needed; it may be deleted at any time. */
	readonly stateDir: string;
	readonly log: SourceLog;
	/** What modules import in the place of some files of installed packages; nothing by default. */
	readonly bundledLibraries?: BundledLibraries;
	readonly refusedBuiltin?: RefusedBuiltin;
	readonly timeoutMs?: number;
	readonly maxBundleBytes?: number;
}

const TIMEOUT_MS = 30_000;
const MAX_BUNDLE_BYTES = 16 * 1024 * 1024;
/** Contexts of esbuild that are kept open; modules beyond that are built from scratch. */
const MAX_CONTEXTS = 128;
/** esbuild uses all cores by itself; more builds at once only take more memory. */
const MAX_BUILDS = 8;

export function createCompiler(options: CompilerOptions): Compiler {
	const { timeoutMs = TIMEOUT_MS, maxBundleBytes = MAX_BUNDLE_BYTES } = options;
	const service = acquireBuildService();
	const builder = createModuleBuilder(
		service,
		{ maxContexts: MAX_CONTEXTS, maxBundleBytes },
		options.bundledLibraries ?? new Map(),
		options.refusedBuiltin ?? (() => undefined),
	);
	const store = createBundleStore(options.stateDir, options.log);
	const permits = createPermits(MAX_BUILDS);
	const turns = createTurns();
	let stopping: Promise<void> | undefined;

	async function compile({ id, root, entry }: CompileSource): Promise<CompileResult> {
		let paths: ModulePaths;
		try {
			paths = await resolveModulePaths(root, entry);
		} catch (error) {
			const file = sayPath(root, entry);
			return failed(id, [
				{ file, line: 1, column: 1, message: `${file} cannot be read: ${messageOf(error)}`, frame: "" },
			]);
		}
		const job: BuildJob = { id, paths, stamps: new Map() };
		// Whatever was being built when esbuild's process ended is built once more, alone: if it ends again, that is why.
		return (
			(await attempt(id, job, 1)) ??
			(await attempt(id, job, MAX_BUILDS)) ??
			failed(id, [entryProblem(paths, ENDED)], job.stamps, false)
		);
	}

	/**
	 * @param share of the permits; all of them are needed to be the only one that builds
	 * @returns undefined when esbuild's process ended, because of this module or of one that was built at the same time
	 */
	async function attempt(id: ModuleId, job: BuildJob, share: number): Promise<CompileResult | undefined> {
		const release = await permits.take(share);
		let timedOut = false;
		const timer = setTimeout(() => {
			timedOut = true;
			service.restart(`${id} took too long to compile`);
		}, timeoutMs);
		try {
			if (stopping !== undefined) return failed(id, [entryProblem(job.paths, "The compiler was stopped.")]);
			return await finish(id, job, await builder.build(job));
		} catch (error) {
			if (!(error instanceof ServiceEndedError)) {
				return failed(id, [entryProblem(job.paths, `It cannot be compiled: ${messageOf(error)}`)], job.stamps);
			}
			if (!timedOut) return undefined;
			const problem = `It took longer than ${timeoutMs} ms to compile, and was given up. Make it smaller.`;
			return failed(id, [entryProblem(job.paths, problem)], job.stamps, false);
		} finally {
			clearTimeout(timer);
			release();
		}
	}

	async function finish(id: ModuleId, { stamps }: BuildJob, outcome: BuildOutcome): Promise<CompileResult> {
		if (!outcome.ok) return failed(id, outcome.problems, stamps);
		const { code, sourceMap, extension, libraries, warnings } = outcome;
		const hash = createHash("sha256").update(code).digest("hex").slice(0, HASH_LENGTH);
		const bundlePath = await store.write(id, { hash, extension, code, sourceMap });
		const inputs = [...stamps.keys()].toSorted();
		return {
			ok: true,
			id,
			hash,
			bundlePath,
			inputs,
			stamps,
			clients: libraries.filter(isClientLibrary),
			libraries,
			warnings,
		};
	}

	return {
		async compile(source) {
			if (stopping !== undefined)
				throw new BulkheadError("ILLEGAL_TRANSITION", "the compiler was stopped; make a new one");
			return turns.take(source.id, () => compile(source));
		},
		retain: store.retain,
		restore: store.restore,
		keepOnly: store.keepOnly,
		forget: (id) =>
			turns.take(id, () => {
				builder.forget(id);
				return store.forget(id);
			}),
		stop() {
			stopping ??= (async () => {
				builder.stop();
				service.release();
				await turns.settled();
				await store.settled();
			})();
			return stopping;
		},
	};
}

const HASH_LENGTH = 20;

const ENDED =
	"esbuild ended while it compiled this module, which nests too deeply or is too large for it. Make it simpler, or split it.";

function failed(
	id: ModuleId,
	problems: readonly CompileProblem[],
	stamps: FileStamps = new Map(),
	retriable = true,
): FailedCompile {
	return { ok: false, id, problems, inputs: [...stamps.keys()].toSorted(), stamps, retriable };
}
