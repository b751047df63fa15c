import { sep } from "node:path";
import { BulkheadError, messageOf } from "../../core/errors.ts";
import type { ModuleId } from "../../core/module-id.ts";
import { createPermits, type Permits } from "../../core/semaphore.ts";
import { createTurns } from "../../core/keyed-queue.ts";
import type { SourceLog } from "../../logging/source-log.ts";
import type { BundledLibraries } from "../packages/bundled-libraries.ts";
import type { CompileProblem } from "../bundle/compile-problem.ts";
import { type FileStamps, isAbsent } from "../../core/file-fingerprint.ts";
import { sayPath } from "../bundle/module-paths.ts";
import type { BuildReplyDto, BuildRequestDto } from "../bundle/protocol.ts";
import { isClientLibrary, type SharedLibrary } from "../packages/shared-libraries.ts";
import { type BuildEnd, type BundleProcess, createBundleProcess } from "./bundle-process.ts";
import { createBundleStore } from "./bundle-store.ts";

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
	/** Of the bundle's code and its packages: the same ones are the same version, whatever happened to the files. */
	readonly hash: string;
	/** Absolute path in the state folder: `.mjs` for an ES module, `.cjs` for CommonJS, whose exports are its default. */
	readonly bundlePath: string;
	/** Absolute paths of the files it was compiled from, as its author knows them and as stack traces name them. */
	readonly inputs: readonly string[];
	readonly stamps: FileStamps;
	/** The metrics client libraries that the bundle imports, as the very files that it imports. */
	readonly clients: readonly SharedLibrary[];
	/** Of the libraries that the runtime shares with modules, those that the bundle imports, the clients among them. */
	readonly libraries: readonly SharedLibrary[];
	/** Absolute paths of what a worker reads so that Node can load the packages that the module imports. */
	readonly packageReads: readonly string[];
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
	/**
	 * Whether it is worth trying again although none of the files has changed: at each look, now and then, or not at all,
	 * because it is costly.
	 */
	readonly retry: "soon" | "later" | "never";
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
	readonly timeoutMs?: number;
	/** Of a module, by its id; undefined: the default. */
	readonly maxBundleBytes?: (id: string) => number | undefined;
	/** Of the processes that modules are compiled in. */
	readonly memoryBytes?: number;
	readonly idleMs?: number;
	/** Told of each module that is being compiled. @returns what is called when it is not any more */
	readonly onCompiling?: (id: string) => () => void;
	/** Modules that are compiled apart from the others at first. */
	readonly suspected?: readonly string[];
}

const TIMEOUT_MS = 30_000;
/** After which a module is compiled apart from the others, so that it does not take what they need. */
const PATIENCE_MS = 10_000;
const MAX_BUNDLE_BYTES = 16 * 1024 * 1024;
/** How often a module is compiled among others that each take too long. */
const MAX_TRIES = 5;
/** esbuild uses all cores by itself; more builds at once only take more memory. */
const MAX_BUILDS = 8;

export function createCompiler(options: CompilerOptions): Compiler {
	const { timeoutMs = TIMEOUT_MS, maxBundleBytes = () => undefined } = options;
	const store = createBundleStore(options.stateDir, options.log);
	const bundled = [...(options.bundledLibraries ?? new Map())];
	const turns = createTurns();
	const makeLane = (builds: number, background: boolean): Lane => ({
		process: createBundleProcess({ ...options, background }),
		permits: createPermits(builds),
		builds: 0,
	});
	/** Where modules are compiled. */
	const shared = makeLane(MAX_BUILDS, false);
	/** Where those are compiled again, one by one, whose process ended: if it ends again, that is why. */
	const retries = [makeLane(1, false), makeLane(1, false)] as const;
	/** Where those are compiled that ended a process or took long. They wait for each other, and nobody waits for them. */
	const suspects = makeLane(1, true);
	const suspected = new Set<string>(options.suspected);
	let stopping: Promise<void> | undefined;

	async function compile(source: CompileSource): Promise<CompileResult> {
		const compiled = options.onCompiling?.(source.id);
		const end = await buildSomewhere(source).finally(compiled);
		if (end.type === "built" && end.reply.ok) suspected.delete(source.id);
		if (end.type === "died" || end.type === "overdue") suspected.add(source.id);
		return finish(source, end);
	}

	async function buildSomewhere(source: CompileSource): Promise<BuildEnd> {
		if (!suspected.has(source.id)) {
			let end = await build(shared, source, PATIENCE_MS);
			// Who took too long is elsewhere by now.
			for (let tries = 1; end.type === "interrupted" && tries < MAX_TRIES; tries++)
				end = await build(shared, source, PATIENCE_MS);
			if (end.type === "died") end = await build(emptier(retries), source, PATIENCE_MS);
			if (end.type !== "overdue" || timeoutMs <= PATIENCE_MS) return end;
		}
		return build(suspects, source, timeoutMs);
	}

	async function build(lane: Lane, { id, root, entry }: CompileSource, patienceMs: number): Promise<BuildEnd> {
		lane.builds += 1;
		const release = await lane.permits.take(1);
		try {
			if (stopping !== undefined) return { type: "stopped", stamps: [] };
			const request: BuildRequestDto = {
				...{ id, root, entry, bundled, maxBundleBytes: maxBundleBytes(id) ?? MAX_BUNDLE_BYTES },
				draft: store.draft(),
				quiet: lane !== shared,
			};
			return await lane.process.build(request, Math.min(patienceMs, timeoutMs));
		} finally {
			lane.builds -= 1;
			release();
		}
	}

	async function finish(source: CompileSource, end: BuildEnd): Promise<CompileResult> {
		const { id } = source;
		const stamps: FileStamps = new Map(end.stamps);
		const fail = (problem: string, retry: FailedCompile["retry"]): CompileResult =>
			failed(id, [entryProblem(source, problem)], stamps, retry);
		switch (end.type) {
			case "built":
				try {
					return await keep(id, end.reply, stamps);
				} catch (error) {
					return fail(`It cannot be compiled: the state folder cannot be used: ${codeOf(error)}`, "soon");
				}
			case "overdue":
				return fail(`It took longer than ${timeoutMs} ms to compile, and was given up. Make it smaller.`, "never");
			case "interrupted":
				return fail("Its compilation was interrupted, and is tried again.", "soon");
			case "died":
				options.log.debug(`${id} ended the process that it was compiled in: ${end.reason.split("\n", 2).join(": ")}`, {
					module: id,
				});
				return fail(describeDeath(end.reason), "never");
			case "stopped":
				return fail("The compiler was stopped.", "soon");
		}
	}

	async function keep(id: ModuleId, reply: BuildReplyDto, stamps: FileStamps): Promise<CompileResult> {
		if (!reply.ok) return failed(id, reply.problems, stamps, reply.passing ? "soon" : "later");
		const { hash, libraries, packageReads, warnings } = reply;
		return {
			ok: true,
			id,
			hash,
			bundlePath: await store.write(id, reply),
			inputs: inputsOf(stamps),
			stamps,
			clients: libraries.filter(isClientLibrary),
			libraries,
			packageReads,
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
				suspected.delete(id);
				return store.forget(id);
			}),
		stop() {
			stopping ??= (async () => {
				for (const { process } of [shared, ...retries, suspects]) process.stop();
				await turns.settled();
				for (const { process } of [shared, ...retries, suspects]) process.stop();
				await store.close();
			})();
			return stopping;
		},
	};
}

/** A process, and who may use it. */
interface Lane {
	readonly process: BundleProcess;
	readonly permits: Permits;
	/** Under way, and waiting. */
	builds: number;
}

function emptier([a, b]: readonly [Lane, Lane]): Lane {
	return a.builds <= b.builds ? a : b;
}

function describeDeath(reason: string): string {
	if (/out of memory|cannot allocate memory|heap/i.test(reason))
		return "It takes more memory to compile than there is for that: some expression in it grows too large. Make it simpler, or split it.";
	if (/stack overflow/.test(reason)) return "It nests too deeply to be compiled. Make it simpler, or split it.";
	return "The compiler ended while it compiled this module, which is too large or too deeply nested for it. Make it simpler, or split it.";
}

/** A problem of the module as a whole, shown at the top of its entry. */
function entryProblem({ root, entry }: CompileSource, message: string): CompileProblem {
	return { file: sayPath(root, entry), line: 1, column: 1, message, frame: "" };
}

function failed(
	id: ModuleId,
	problems: readonly CompileProblem[],
	stamps: FileStamps,
	retry: FailedCompile["retry"],
): FailedCompile {
	return { ok: false, id, problems, inputs: inputsOf(stamps), stamps, retry };
}

function inputsOf(stamps: FileStamps): readonly string[] {
	return [...stamps].flatMap(([path, stamp]) => (isAbsent(stamp) || path.endsWith(sep) ? [] : [path])).toSorted();
}

/** Without a path: where on the machine the state folder is, is nobody's business who reads a module's problems. */
function codeOf(error: unknown): string {
	return error instanceof Error && "code" in error ? String(error.code) : messageOf(error);
}
