import { basename, dirname, join } from "node:path";
import {
	grantsChildProcess,
	grantsSockets,
	type SandboxDto,
	type SandboxLevel,
} from "../../../workers/sandbox/policy.ts";
import type { ModulePolicy } from "./module-policy.ts";
import { realPathOf } from "./protected-paths.ts";

/** What one module's worker may do: the operator's grants, and all that it has to read. */
export interface SandboxPolicy extends SandboxDto {
	/** Absolute paths of files, and of folders with all that is in them. A folder must exist when the worker starts. */
	readonly read: readonly string[];
	/** Absolute paths, as for `read`. What may be written may be read as well. */
	readonly write?: readonly string[];
}

/** What a worker reads before, and besides, what its policy grants. All paths are absolute. */
export interface WorkerFiles {
	/** The worker entry, in `workers/` or `dist/workers/`. */
	readonly entry: string;
	readonly bundlePath: string;
	/** The module's own folder, or its file when it has none. */
	readonly modulePath: string;
	/** Of installed packages that are loaded in the worker: the folder of each, and what leads to it. */
	readonly packages: readonly string[];
}

/**
 * Flags for `new Worker` (or for a process) that hold a module to its policy below JavaScript. They restrict that worker
 * alone. Seen on Node 24 and 26: it may read the working directory as well, so that has to be empty; and only from 25 on
 * is the network covered. What they do not cover is for `workers/sandbox/lock.ts`.
 *
 * @param nodeMajor as in `process.versions.node`; an older Node refuses to start with a flag that it does not know
 */
export function workerExecArgv(policy: SandboxPolicy, nodeMajor: number): readonly string[] {
	if (policy.level === "off") return [];
	const flags = ["--permission", "--no-addons"];
	if (grantsSockets(policy) && nodeMajor >= FIRST_WITH_NET) flags.push("--allow-net");
	if (grantsChildProcess(policy)) flags.push("--allow-child-process");
	// Node warns at each start that these flags are experimental, or that they are dangerous: the operator has chosen.
	for (const warning of ["ExperimentalWarning", "SecurityWarning"]) flags.push(`--disable-warning=${warning}`);
	const writes = policy.write ?? [];
	const reads = [...policy.read, ...writes];
	// `/` among other paths would not open what lies beside those, and Node has a word for everything.
	flags.push(...pathFlags("--allow-fs-read", reads.includes("/") ? ["*"] : reads));
	return [...flags, ...pathFlags("--allow-fs-write", writes)];
}

/** One flag for each path, since a comma is an ordinary character of a path. */
function pathFlags(flag: string, paths: readonly string[]): readonly string[] {
	return [...new Set(paths)].map((path) => `${flag}=${path}`);
}

/**
 * The paths that a worker cannot start without; together with the granted ones they are `SandboxPolicy.read`. None of them is made of what
 * a module's author wrote: the packages are real, and were judged where they lie.
 */
export function workerReads({ entry, bundlePath, modulePath, packages }: WorkerFiles): readonly string[] {
	const workers = dirname(entry);
	const parent = dirname(workers);
	return [
		...new Set([
			workers,
			// Says that the entry is an ES module. Beside workers/, or beside the dist/ that it lies in.
			join(parent, "package.json"),
			...(basename(parent) === "dist" ? [join(dirname(parent), "package.json")] : []),
			dirname(bundlePath), // with its source map
			modulePath,
			...packages,
		]),
	];
}

/**
 * What a module's worker is told of its policy.
 *
 * @param level what holds where the policy does not say
 * @param reservedPorts TCP ports that the host listens on
 */
export function sandboxOf(
	level: SandboxLevel,
	policy: ModulePolicy,
	reservedPorts: readonly number[] = [],
): SandboxDto {
	const { net, childProcess, unix, read, write } = policy.permissions;
	return {
		level: policy.sandbox ?? level,
		net,
		childProcess,
		unix,
		reservedPorts,
		granted: [...read, ...write],
		// In a thread one query without end could not be ended; and only files that were granted are opened at all.
		...(policy.isolation === "process" &&
			(read.length > 0 || write.length > 0) && {
				databases: { read: read.map(realPathOf), write: write.map(realPathOf) },
			}),
	};
}

const FIRST_WITH_NET = 25;
