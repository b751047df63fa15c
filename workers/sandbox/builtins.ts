import { createRequire } from "node:module";
import { closeAllBut, type Denials, lockInPlace, lockValue } from "./denial.ts";
import { namesOf } from "./primordials.ts";

/**
 * How to close of each built-in what reaches beyond this thread. Each is called once, before a module first gets hold of
 * the built-in. Those that take descriptors (fs, net, dgram, child_process) have files of their own.
 */
export function builtinLocks(denials: Denials): Readonly<Record<string, () => void>> {
	const only = (name: string, open: readonly string[]) => (): void =>
		closeAllBut(loadBuiltin(name), name, namesOf(open), denials);
	const without =
		(name: string, ...closed: string[]) =>
		(): void => {
			for (const key of closed) lockValue(loadBuiltin(name), key, denials.stub(`${name}.${key}`));
		};
	return {
		async_hooks: only("async_hooks", ASYNC_HOOKS),
		crypto: without("crypto", "setEngine", "setFips"),
		http2: only("http2", HTTP2),
		module: () => lockModule(denials),
		os: without("os", "setPriority"),
		tty: () => lockTty(denials),
		v8: only("v8", V8),
		worker_threads: () => lockWorkerThreads(denials),
	};
}

/** The object that `require` gives, whose properties an `import` of the built-in shows after a sync. */
export function loadBuiltin(name: string): object {
	return requireBuiltin(`node:${name}`) as object;
}

// Made before the lock, and of no use to a module after it: `require` itself is guarded then.
const requireBuiltin = createRequire(import.meta.url);

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
	for (const name of ["parentPort", "workerData"]) lockValue(threads, name, null);
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
];
/** Steps of Node's own loader, which looks them up here. */
const MODULE_STEPS = [
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
	const loader = loadBuiltin("module");
	for (const name of MODULE_STEPS) lockInPlace(loader, name);
	closeAllBut(loader, "module", namesOf([...MODULE_OPEN, ...MODULE_STEPS]), denials);
}

/** Libraries that colour their output ask `isatty`; nothing here is a terminal. */
function lockTty(denials: Denials): void {
	const tty = loadBuiltin("tty");
	lockValue(tty, "isatty", () => false);
	closeAllBut(tty, "tty", namesOf(["isatty"]), denials);
}
