import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type CompiledCodeDto, type StartDto } from "../../../workers/wire/messages.ts";
import type { SandboxLevel } from "../../../workers/sandbox/policy.ts";
import type { BundledLibraries } from "../packages/bundled-libraries.ts";
import { HOST_LIBRARY_FILES, HOST_PACKAGE_READS } from "../packages/host-packages.ts";
import { withoutNested } from "../packages/package-closure.ts";
import { createCodeCache } from "./code-cache.ts";
import type { CompiledModule } from "../compile/compiler.ts";
import type { LastEnd } from "../../launch/launch-contract.ts";
import { type CrashRecord, openCrashRecord } from "./crash-journal.ts";
import type { ModuleKind } from "../../core/module-id.ts";
import type { ModuleSource } from "../sources/listing.ts";
import { startProcess } from "./process-worker.ts";
import { startThread } from "./thread-worker.ts";
import type { ModuleWorker } from "./worker.ts";
import { grantedEnv } from "../policy/granted-env.ts";
import { sandboxOf, workerExecArgv, workerReads } from "../policy/permissions.ts";
import { conflictOf, realPathOf } from "../policy/protected-paths.ts";
import type { ModulePolicy } from "../policy/module-policy.ts";
import { findUnreadable, separateUser } from "./process-user.ts";
import { MAX_CATALOG_LENGTH } from "../../../workers/wire/catalog.ts";
import type { RunnerSettings } from "../policy/module-settings.ts";
import type { Isolation } from "./worker.ts";

/** Makes the worker of each generation: a thread, or a process where the policy or experience asks for the stronger wall. */
export interface WorkerFactory {
	/** @throws what keeps a thread from being made */
	start(request: WorkerRequest): ModuleWorker;
	isolationOf(moduleId: string, policy: ModulePolicy): Isolation;
	/** What the worker's runtime needs to know to lock itself. */
	sandbox(compiled: CompiledModule, policy: ModulePolicy): Pick<StartDto, "sandbox" | "trustedPaths" | "redirects">;
	/** A thread of the module could not be ended: from now on it gets a process. */
	wallOff(moduleId: string): void;
	/** The generation serves: it has not taken the host down by starting. */
	running(moduleId: string, generation: number, policy: ModulePolicy): void;
	/** A module is being compiled, which is in the crash record meanwhile. @returns to be called when it is done */
	compiling(moduleId: string): () => void;
	/** Modules that were being compiled when the host before died. */
	compiledAtDeath(): readonly string[];
	/** The module has changed, and starts with a clean slate. */
	cleared(moduleId: string): void;
	/** The host stops in order. The first step of a shutdown, so that one that is cut short accuses nobody. */
	closing(): void;
	close(): void;
}

export interface WorkerRequest {
	readonly source: ModuleSource;
	readonly generation: number;
	readonly compiled: CompiledModule;
	readonly policy: ModulePolicy;
	readonly settings: RunnerSettings;
	/** Standard output and error of a process, line by line. */
	readonly onOutput: (line: string) => void;
}

export interface WorkerFactoryOptions {
	/** Absolute paths of the two worker entries. */
	readonly entries: Readonly<Record<ModuleKind, string>>;
	/** What they were built with; empty where they run from their sources. */
	readonly libraries: BundledLibraries;
	readonly sandbox: SandboxLevel;
	/** Absolute path. */
	readonly stateDir: string;
	/** The host's environment, of which a module sees what its policy names. */
	readonly env: Readonly<Record<string, string | undefined>>;
	/** Absolute paths that no module may write to, whatever its policy says. */
	readonly protectedPaths: readonly string[];
	/** How the host before this one ended; undefined: nobody knows. */
	readonly lastEnd?: LastEnd | undefined;
	/** TCP ports that the host listens on: no module may take one on any address. */
	readonly hostPorts: () => readonly number[];
	readonly onProblem: (what: string) => void;
}

/** Without a name in the evidence, a module is only walled off when it was there at that many deaths. */
const LEAST_SUSPICIONS = 2;
const MEGABYTE = 1_048_576;
const NODE_MAJOR = Number.parseInt(process.versions.node, 10);
const SDK = realpathSync(fileURLToPath(import.meta.resolve("@modelcontextprotocol/server")));
/**
 * V8's own limit lies above what the watch allows: close to it the garbage collector takes all the time there is, and what
 * is a leak would look like a hang.
 */
const HEAP_HEADROOM = 2;
/** A catalog takes up to three bytes of UTF-8 per character. */
const MAX_CATALOG_BYTES = 3 * MAX_CATALOG_LENGTH;

export function createWorkerFactory(options: WorkerFactoryOptions): WorkerFactory {
	const { entries, libraries, stateDir, onProblem } = options;
	const workersFolder = realpathSync(dirname(entries.mcps));
	const codeCache = libraries.size === 0 ? undefined : createCodeCache(workersFolder, onProblem);
	const scripts = new Map([...libraries.values()].map(({ path, script }) => [path, script]));
	const redirects = Object.fromEntries(
		[...libraries].map(([file, { path }]) => [pathToFileURL(file).href, pathToFileURL(path).href]),
	);
	const sdkScript = libraries.get(SDK)?.script;
	const record: CrashRecord = openCrashRecord(stateDir, { onProblem, end: options.lastEnd });
	const walledOff = new Set<string>();
	for (const { moduleId, phase, isNamed, count } of record.suspects()) {
		if (!isNamed && count < LEAST_SUSPICIONS) continue; // nothing names it yet
		walledOff.add(moduleId);
		onProblem(
			isNamed
				? `${moduleId} ended the host before: its code ran when the process aborted. It runs in a process of its own until it changes`
				: `${moduleId} was ${phase} each time the host died of late. It runs in a process of its own until it changes, or the host has been stopped in order`,
		);
	}
	for (const moduleId of record.compiledAtDeath()) {
		onProblem(`${moduleId} was being compiled when the host died before, and is compiled apart from the others now`);
	}
	let emptyFolder: string | undefined;
	/** What may run before the worker is locked: exactly these files of the host's. */
	const isTrusted = (path: string): boolean => HOST_LIBRARY_FILES.has(path) || scripts.has(path);

	function isolationOf(moduleId: string, { isolation }: ModulePolicy): Isolation {
		return walledOff.has(moduleId) ? "process" : isolation;
	}

	function startWorker(request: WorkerRequest, isolation: Isolation): ModuleWorker {
		const { source, compiled, policy, settings } = request;
		const entry = entries[source.kind];
		const reads = workerReads({
			entry,
			bundlePath: compiled.bundlePath,
			modulePath: dirname(source.entry) === source.root ? source.entry : dirname(source.entry),
			packages: [...HOST_PACKAGE_READS, ...compiled.packageReads],
		});
		const permissions = {
			...sandboxOf(options.sandbox, policy),
			read: [...withoutNested(reads), ...policy.permissions.read],
			write: writable(source.id, policy),
		};
		const worker = {
			entry,
			env: grantedEnv(policy.env, options.env, (what) => onProblem(`${source.id}: ${what}`)),
			execArgv: workerExecArgv(permissions, NODE_MAJOR),
		};
		if (isolation === "thread") return startThread({ ...worker, compiledCode: codeFor(source.kind, compiled) });
		emptyFolder ??= mkdtempSync(join(tmpdir(), "bulkhead-modules-"));
		return startProcess({
			...worker,
			cwd: emptyFolder,
			memoryMb: HEAP_HEADROOM * Math.ceil(settings.memoryBytes / MEGABYTE),
			user: separateUser(source.id),
			reads: [compiled.bundlePath, ...compiled.libraries.map(({ path }) => path)],
			maxBodyBytes: Math.max(settings.maxResultBytes, settings.maxSnapshotBytes, MAX_CATALOG_BYTES),
			onOutput: (_stream, line) => request.onOutput(line),
		});
	}

	/** A wall that its module could not even start behind protects nobody, and costs the module. */
	function takeDownUselessWall({ source, compiled, policy }: WorkerRequest): void {
		const user = separateUser(source.id);
		if (!walledOff.has(source.id) || policy.isolation === "process" || user === undefined) return;
		const needed = [process.execPath, entries[source.kind], compiled.bundlePath];
		const unreadable = findUnreadable([...needed, ...compiled.libraries.map(({ path }) => path)], user);
		if (unreadable === undefined) return;
		walledOff.delete(source.id);
		onProblem(`${source.id} would be safer in a process of its own, and stays in a thread: ${unreadable}`);
	}

	/** A module process has no data of a thread, and compiles what it needs. */
	function codeFor(kind: ModuleKind, compiled: CompiledModule): CompiledCodeDto {
		const used = compiled.libraries.map(({ path }) => scripts.get(path));
		if (kind === "mcps") used.push(sdkScript); // which the runtime itself loads
		return codeCache?.of(new Set(used)) ?? {};
	}

	/** As granted, and where that really leads: a link may have been changed since the policy was read. */
	function writable(moduleId: string, { permissions }: ModulePolicy): readonly string[] {
		return permissions.write.flatMap((path) => {
			const conflict = conflictOf(path, options.protectedPaths);
			if (conflict === undefined) return [path, realPathOf(path)];
			onProblem(`${moduleId}: permissions.write: ${path} ${conflict}`);
			return [];
		});
	}

	return {
		start(request) {
			const { generation, policy } = request;
			const moduleId = request.source.id;
			takeDownUselessWall(request);
			const isolation = isolationOf(moduleId, policy);
			record.starting(moduleId, generation, isolation);
			const worker = startWorker(request, isolation);
			void worker.ended.then(() => record.stopped(moduleId, generation));
			return worker;
		},
		isolationOf,
		sandbox: (compiled, policy) => ({
			sandbox: sandboxOf(options.sandbox, policy, options.hostPorts()),
			trustedPaths: compiled.libraries.map(({ path }) => path).filter(isTrusted),
			redirects,
		}),
		wallOff: (moduleId) => void walledOff.add(moduleId),
		running: (moduleId, generation, policy) => record.running(moduleId, generation, isolationOf(moduleId, policy)),
		compiling: record.compiling,
		compiledAtDeath: record.compiledAtDeath,
		cleared(moduleId) {
			walledOff.delete(moduleId);
			record.cleared(moduleId);
		},
		closing: () => record.close(),
		close() {
			codeCache?.close();
			if (emptyFolder !== undefined) rmSync(emptyFolder, { recursive: true, force: true });
		},
	};
}
