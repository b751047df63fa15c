import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MAX_CATALOG_LENGTH } from "../../workers/protocol.ts";
import type { CompiledModule } from "./compiler.ts";
import { type CrashRecord, openCrashRecord } from "./crash-record.ts";
import type { Isolation } from "./crash-suspects.ts";
import type { ModuleKind } from "./module-id.ts";
import { startProcess } from "./module-process.ts";
import { startThread } from "./module-thread.ts";
import type { ModuleWorker } from "./module-worker.ts";
import type { ModulePolicy } from "./plugin-policy.ts";
import { separateUser } from "./process-user.ts";
import type { RunnerSettings } from "./runner-contract.ts";

/** Makes the worker of each generation: a thread, or a process where the policy or experience asks for the stronger wall. */
export interface WorkerFactory {
	/** @throws what keeps a thread from being made */
	start(request: WorkerRequest): ModuleWorker;
	isolationOf(moduleId: string, policy: ModulePolicy): Isolation;
	/** A thread of the module could not be ended: from now on it gets a process. */
	wallOff(moduleId: string): void;
	/** The generation serves: it has not taken the host down by starting. */
	running(moduleId: string, generation: number, policy: ModulePolicy): void;
	/** The module has changed, and starts with a clean slate. */
	cleared(moduleId: string): void;
	/** The host stops in order. The first step of a shutdown, so that one that is cut short accuses nobody. */
	closing(): void;
	close(): void;
}

export interface WorkerRequest {
	readonly moduleId: string;
	readonly kind: ModuleKind;
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
	/** Absolute path. */
	readonly stateDir: string;
	/** The host's environment, of which a module sees what its policy names. */
	readonly env: Readonly<Record<string, string | undefined>>;
	readonly onProblem: (what: string) => void;
}

const MEGABYTE = 1_048_576;
/** A catalog takes up to three bytes of UTF-8 per character. */
const MAX_CATALOG_BYTES = 3 * MAX_CATALOG_LENGTH;

export function createWorkerFactory({ entries, stateDir, env, onProblem }: WorkerFactoryOptions): WorkerFactory {
	const record: CrashRecord = openCrashRecord(stateDir, { onProblem });
	const walledOff = new Set<string>();
	for (const { moduleId, phase } of record.suspects()) {
		walledOff.add(moduleId);
		onProblem(
			`${moduleId} was ${phase} when the host died before, and now runs in a process of its own until it changes`,
		);
	}
	let emptyFolder: string | undefined;

	function isolationOf(moduleId: string, { isolation }: ModulePolicy): Isolation {
		return walledOff.has(moduleId) ? "process" : isolation;
	}

	function startWorker(request: WorkerRequest, isolation: Isolation): ModuleWorker {
		const { compiled, policy, settings } = request;
		const options = { entry: entries[request.kind], env: granted(policy, env) };
		if (isolation === "thread") return startThread(options);
		emptyFolder ??= mkdtempSync(join(tmpdir(), "bulkhead-modules-"));
		return startProcess({
			...options,
			cwd: emptyFolder,
			execArgv: [],
			memoryMb: Math.ceil(settings.memoryBytes / MEGABYTE),
			user: separateUser(),
			reads: [compiled.bundlePath, ...compiled.libraries.map(({ path }) => path)],
			maxBodyBytes: Math.max(settings.maxResultBytes, settings.maxSnapshotBytes, MAX_CATALOG_BYTES),
			onOutput: (_stream, line) => request.onOutput(line),
		});
	}

	return {
		start(request) {
			const { moduleId, generation, policy } = request;
			const isolation = isolationOf(moduleId, policy);
			record.starting(moduleId, generation, isolation);
			const worker = startWorker(request, isolation);
			void worker.ended.then(() => record.stopped(moduleId, generation));
			return worker;
		},
		isolationOf,
		wallOff: (moduleId) => void walledOff.add(moduleId),
		running: (moduleId, generation, policy) => record.running(moduleId, generation, isolationOf(moduleId, policy)),
		cleared(moduleId) {
			walledOff.delete(moduleId);
			record.cleared(moduleId);
		},
		closing: () => record.close(),
		close() {
			if (emptyFolder !== undefined) rmSync(emptyFolder, { recursive: true, force: true });
		},
	};
}

function granted(policy: ModulePolicy, env: WorkerFactoryOptions["env"]): Record<string, string> {
	const variables: Record<string, string> = {};
	for (const name of policy.env) {
		const value = env[name];
		if (value !== undefined) variables[name] = value;
	}
	return variables;
}
