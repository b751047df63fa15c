import module from "node:module";
import { builtinLocks, loadBuiltin } from "./builtins.ts";
import { lockChildProcess } from "./child-process.ts";
import { createDenials, type Denials } from "./denial.ts";
import { lockFiles } from "./files.ts";
import { guardImports } from "./imports.ts";
import { closeNetwork, lockDatagramHandles, lockStreamHandles } from "./network.ts";
import { createOutput, type OutputOptions, replaceStdio } from "./output.ts";
import { bareName, grantsChildProcess, grantsNet, importRemedy, type Remedy, type SandboxDto } from "./policy.ts";
import { create } from "./primordials.ts";
import { lockProcess } from "./process.ts";
import { lockRealm } from "./realm.ts";

export interface LockOptions extends OutputOptions {
	/** Named in every refusal. */
	readonly moduleId: string;
	readonly policy: SandboxDto;
}

/**
 * Closes this worker for the module that comes next. It is called once, when the runtime and the libraries it trusts have
 * been imported and before anything of the module has run. From then on what the module's policy does not open throws an
 * error with the code `ERR_BULKHEAD_DENIED`, and what it writes to its output goes to `onOutput`.
 *
 * This is the second lock. The first is Node's permission model (src/host/policy/permissions.ts), which covers paths, programs,
 * threads and add-ons below JavaScript; this one covers what that leaves open: descriptors, signals, V8's flags, Node's
 * own ports, whatever all threads of the process share. It is no boundary against code that is written to get out; for
 * that a module runs in a process of its own. What it cannot hold at all is CPU, memory, and the pool of threads that
 * crypto and zlib work in.
 *
 * With the level `off` only the output is redirected.
 */
export function lockWorker(options: LockOptions): void {
	const { moduleId, policy } = options;
	const sink = replaceStdio(createOutput(options));
	if (policy.level === "off") return;

	const denials = createDenials(moduleId, policy);
	const prepare = createPreparation(locksFor(denials, policy));
	const remedyFor = (name: string): Remedy | undefined => importRemedy(policy, name);
	lockFiles(denials, sink);
	if (grantsNet(policy)) lockStreamHandles(denials);
	else closeNetwork(denials);
	lockRealm(denials);
	lockProcess(denials, (id) => {
		const name = bareName(typeof id === "string" ? id : "");
		const remedy = remedyFor(name);
		if (remedy !== undefined) {
			if (isBuiltin(name) || isBuiltin(`node:${name}`)) throw denials.error(`import node:${name}`, remedy);
			return undefined; // as Node has it for what does not exist
		}
		prepare(name);
		return loadBuiltin(name);
	});
	guardImports({ remedyFor, prepare, denials });
	// All code has these without an import, by way of `require` or of a trusted library.
	for (const name of ["async_hooks", "module", "os", "v8", "worker_threads"]) prepare(name);
	syncExports();
}

type Locks = Readonly<Record<string, () => void>>;

function locksFor(denials: Denials, policy: SandboxDto): Locks {
	const locks: Record<string, () => void> = { ...builtinLocks(denials), dgram: () => lockDatagramHandles(denials) };
	if (grantsChildProcess(policy)) locks["child_process"] = () => lockChildProcess(denials);
	return Object.assign(create(null) as Locks, locks);
}

/** Closes a part of a built-in the first time that it is asked for: loading each of them up front would take longer. */
function createPreparation(locks: Locks): (name: string) => void {
	const prepared = create(null) as Record<string, true>;
	return (name) => {
		const lock = locks[name];
		if (lock === undefined || name in prepared) return;
		prepared[name] = true; // first, since loading it comes by here again
		lock();
		syncExports();
	};
}

// Taken before `module` is locked. ES modules that have imported a built-in by name see its locks only after this.
const { isBuiltin, syncBuiltinESMExports: syncExports } = module;
