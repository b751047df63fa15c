import type * as terminal from "node:tty";
import module from "node:module";
import { closeChildProcess, lockChildProcess } from "./child-process.ts";
import { closeAllBut, closedTwin, loadBuiltin } from "./closing.ts";
import { type Denials, lockValue } from "./denial.ts";
import { lockDatabases } from "./databases.ts";
import { closedBy, grantsChildProcess, grantsNet, type SandboxDto } from "./policy.ts";
import { create, type Names, namesOf } from "../primordials/primordials.ts";

/** The built-ins as a module gets them. */
export interface Builtins {
	/**
	 * Closes what is closed of a built-in, before a module first gets hold of it: loading each of them up front would take
	 * longer. @param name without `node:`
	 */
	prepare(name: string): void;
	/** What stands for a built-in that is itself a function, or does things when it is loaded; undefined for the others. */
	substitute(name: string): object | undefined;
	/** The built-in as a module gets it; undefined when there is none of the name. */
	load(name: string): object | undefined;
}

/** What other rooms do to a built-in before a module gets hold of it. */
export interface Preparations {
	guardHandles(name: string): void;
	/** When `dgram` is open. */
	lockDatagrams(dgram: object): void;
}

export function createBuiltins(
	denials: Denials,
	policy: SandboxDto,
	{ guardHandles, lockDatagrams }: Preparations,
): Builtins {
	const locks = locksOf(denials, policy, lockDatagrams);
	const prepared = create(null) as Record<string, true>;
	const substitutes = create(null) as Record<string, object>;

	function prepare(name: string): void {
		if (name in prepared || name in SUBSTITUTED) return;
		prepared[name] = true; // first, since loading it comes by here again
		guardHandles(name);
		const lock = locks[name];
		const remedy = closedBy(policy, name);
		if (lock !== undefined) lock();
		else if (remedy === undefined || !isBuiltin(`node:${name}`)) return;
		else closeAllBut(loadBuiltin(name), name, FACTS[name] ?? NONE, denials, remedy);
		syncExports();
	}

	function substitute(name: string): object | undefined {
		if (!(name in SUBSTITUTED)) return undefined;
		substitutes[name] ??= closedTwin(original(name), name, denials, "never") as object;
		return substitutes[name];
	}

	return {
		prepare,
		substitute,
		load(name) {
			// Some have no name without the prefix, as `sqlite`, for which packages had taken it.
			if (!isBuiltin(name) && !isBuiltin(`node:${name}`)) return undefined;
			prepare(name);
			return substitute(name) ?? loadBuiltin(name);
		},
	};
}

// Taken before `module` is locked. ES modules that have imported a built-in by name see its locks only after this.
const { isBuiltin, syncBuiltinESMExports: syncExports } = module;

/** `test` is a function, `domain` hooks into every event and promise when it is loaded, and threads have no `trace_events`. */
const SUBSTITUTED: Names = namesOf(["domain", "test", "trace_events"]);

function original(name: string): object {
	if (name === "test") return loadBuiltin(name);
	return name === "domain"
		? { Domain: none, create: none, createDomain: none, active: null, _stack: [] }
		: { createTracing: none, getEnabledCategories: none };
}

function none(): void {
	// Has the shape of a function or a class, which is all that is taken of it.
}

type Locks = Readonly<Record<string, () => void>>;

/** How to close a built-in that is open in part. */
function locksOf(denials: Denials, policy: SandboxDto, lockDatagrams: (dgram: object) => void): Locks {
	const only = (name: string, open: readonly string[]) => (): void =>
		closeAllBut(loadBuiltin(name), name, namesOf(open), denials);
	const without =
		(name: string, ...closed: string[]) =>
		(): void => {
			const builtin = loadBuiltin(name) as Record<string, unknown>;
			for (let index = 0; index < closed.length; index++) {
				const key = closed[index] as string;
				lockValue(builtin, key, denials.stub(`${name}.${key}`, "never", builtin[key]));
			}
		};
	const locks: Record<string, () => void> = {
		_http_common: () => {
			loadBuiltin("http"); // which takes its own parser from here
			closeAllBut(loadBuiltin("_http_common"), "_http_common", HTTP_COMMON, denials);
		},
		async_hooks: only("async_hooks", ASYNC_HOOKS),
		crypto: without("crypto", "setEngine", "setFips"),
		http2: only("http2", HTTP2),
		module: () => lockModule(denials),
		os: without("os", "setPriority"),
		tty: () => lockTty(denials),
		v8: only("v8", V8),
		worker_threads: () => lockWorkerThreads(denials),
	};
	if (grantsNet(policy)) locks["dgram"] = () => lockDatagrams(loadBuiltin("dgram"));
	if (policy.databases !== undefined) locks["sqlite"] = () => lockDatabases(denials, policy);
	locks["child_process"] = () => (grantsChildProcess(policy) ? lockChildProcess : closeChildProcess)(denials);
	return Object.assign(create(null) as Locks, locks);
}

const NONE: Names = namesOf([]);

/** What closed built-ins say without doing anything. */
const FACTS: Readonly<Record<string, Names>> = {
	__proto__: null as never,
	dns: namesOf(["getDefaultResultOrder", "getServers"]),
	"dns/promises": namesOf(["getDefaultResultOrder", "getServers"]),
	inspector: namesOf(["url"]),
	"inspector/promises": namesOf(["url"]),
	sea: namesOf(["isSea"]),
	vm: namesOf(["isContext"]),
};

/** A parser of a module's own aborts the process when it is not used as Node uses it. */
const HTTP_COMMON = namesOf(["_checkInvalidHeaderChar", "_checkIsHttpToken", "calculateLenientFlags", "isLenient"]);

/** `createHook` and `executionAsyncResource` hand out whatever object is at work, the port to the host among them. */
const ASYNC_HOOKS = ["AsyncLocalStorage", "AsyncResource", "asyncWrapProviders", "executionAsyncId", "triggerAsyncId"];

/** A server's streams can send any descriptor (`respondWithFD`), and their class cannot be had without a connection. */
const HTTP2 = [
	"connect",
	"constants",
	"getDefaultSettings",
	"getPackedSettings",
	"getUnpackedSettings",
	"sensitiveHeaders",
];

/** The flags are those of the whole process; snapshots hold the host's port, and promise hooks the runtime's promises. */
const V8 = [
	"DefaultDeserializer",
	"DefaultSerializer",
	"Deserializer",
	"GCProfiler",
	"Serializer",
	"cachedDataVersionTag",
	"deserialize",
	"getCppHeapStatistics",
	"getHeapCodeStatistics",
	"getHeapSpaceStatistics",
	"getHeapStatistics",
	"isStringOneByteRepresentation",
	"serialize",
];

const WORKER_THREADS = [
	"BroadcastChannel", // not Node's any more: see broadcast.ts
	"isInternalThread",
	"isMainThread",
	"isMarkedAsUntransferable",
	"markAsUncloneable",
	"markAsUntransferable",
	"parentPort",
	"resourceLimits",
	"threadId",
	"threadName",
	"workerData",
];

/** The port belongs to the pool, which does not expect to hear from a module. */
function lockWorkerThreads(denials: Denials): void {
	const threads = loadBuiltin("worker_threads");
	closeAllBut(threads, "worker_threads", namesOf(WORKER_THREADS), denials);
	lockValue(threads, "parentPort", null);
	lockValue(threads, "workerData", null);
}

const MODULE_OPEN = [
	"Module",
	"SourceMap",
	"_readPackage",
	"_stat",
	"builtinModules",
	"constants",
	"createRequire",
	"findPackageJSON",
	"findSourceMap",
	"getCompileCacheDir",
	"getSourceMapsSupport",
	"isBuiltin",
	"stripTypeScriptTypes",
	// Steps of Node's own loader, which looks them up here. What they come to is judged before and after them (imports.ts).
	"_cache",
	"_extensions",
	"_findPath",
	"_load",
	"_nodeModulePaths",
	"_pathCache",
	"_resolveFilename",
	"_resolveLookupPaths",
	"globalPaths",
];

function lockModule(denials: Denials): void {
	const loader = loadBuiltin("module") as typeof module;
	const disabled = loader.constants.compileCacheStatus.DISABLED;
	closeAllBut(loader, "module", namesOf(MODULE_OPEN), denials);
	// Programs call it on their way up and never expect it to throw.
	lockValue(loader, "enableCompileCache", () => ({ status: disabled }));
}

/** Libraries that colour their output ask what a terminal can do; nothing here is one. */
function lockTty(denials: Denials): void {
	const tty = loadBuiltin("tty") as typeof terminal;
	lockValue(tty, "isatty", () => false);
	closeAllBut(tty, "tty", namesOf(["isatty"]), denials);
	// Asked of the class's prototype, without a terminal to ask.
	lockValue(tty.WriteStream.prototype, "hasColors", () => false);
	lockValue(tty.WriteStream.prototype, "getColorDepth", () => 1);
}
