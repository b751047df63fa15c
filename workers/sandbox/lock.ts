import module from "node:module";
import { isolateBroadcasts } from "./broadcast.ts";
import { createBuiltins } from "./builtins.ts";
import { createDenials } from "./denial.ts";
import { lockFiles } from "./files.ts";
import { guardImports } from "./imports.ts";
import { createHandleGuard } from "../handles/guard.ts";
import { lockNetwork } from "../network/sockets.ts";
import { createLinkGuard } from "../paths/links.ts";
import { createOutput, type OutputOptions, replaceStdio } from "./output.ts";
import { bareName, networkGrants, type SandboxDto } from "./policy.ts";
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

	isolateBroadcasts(); // where no library was imported before
	const denials = createDenials(moduleId, policy);
	const guardHandles = createHandleGuard(denials);
	for (const name of ["buffer", "net", "zlib"]) guardHandles(name);
	const { lockDatagrams } = lockNetwork(denials, networkGrants(policy));
	const builtins = createBuiltins(denials, policy, { guardHandles, lockDatagrams });
	const leadsOut = createLinkGuard(policy.granted ?? []);
	lockFiles(denials, leadsOut, sink);
	lockRealm(denials);
	lockProcess(denials, (id) => (typeof id === "string" ? builtins.load(bareName(id)) : undefined));
	guardImports(builtins, denials, leadsOut);
	// All code has these without an import, by way of `require` or of a trusted library.
	for (const name of ["async_hooks", "module", "os", "v8", "worker_threads"]) builtins.prepare(name);
	syncExports();
}

// Taken before `module` is locked.
const { syncBuiltinESMExports: syncExports } = module;
