import process from "node:process";
import { closeAllBut } from "./closing.ts";
import { type Denials, lockValue } from "./denial.ts";
import { type Names, namesOf } from "../primordials/primordials.ts";

/**
 * Leaves of `process` what is about this thread. `exit` stays as it is: it ends the worker, which the host counts.
 *
 * @param getBuiltin what `process.getBuiltinModule` is from now on
 */
export function lockProcess(denials: Denials, getBuiltin: (id: unknown) => unknown): void {
	lockValue(process, "getBuiltinModule", getBuiltin);
	lockValue(process, "report", {
		getReport: denials.stub("process.report.getReport"),
		writeReport: denials.stub("process.report.writeReport"),
	});
	replaceUmask(denials);
	replaceHandleLists();
	lockTitle();
	closeAllBut(process, "process", OPEN, denials);
}

function replaceUmask(denials: Denials): void {
	const { umask } = process;
	lockValue(process, "umask", (...mask: unknown[]) => {
		if (mask.length > 0) throw denials.error("change process.umask", "never");
		return umask();
	});
}

/** They are live sockets and ports, Node's own among them. prom-client calls these functions, and counts none. */
function replaceHandleLists(): void {
	for (const name of ["_getActiveHandles", "_getActiveRequests"]) lockValue(process, name, () => []);
}

/** It would rename the process that a module may have to itself; programs that set it expect no error. */
function lockTitle(): void {
	const { title } = process;
	Object.defineProperty(process, "title", {
		get: () => title,
		set() {},
		enumerable: true,
		configurable: false,
	});
}

/** What Node adds later is closed until it is listed. Objects are listed too; values that are data stay anyway. */
const OPEN: Names = namesOf([
	"_events",
	"_fatalException", // Node looks it up when nobody catches an error
	"_getActiveHandles",
	"_getActiveRequests",
	"_preload_modules",
	"_tickCallback",
	"_exiting",
	"addUncaughtExceptionCaptureCallback",
	"allowedNodeEnvironmentFlags",
	"argv",
	"assert",
	"availableMemory",
	"config",
	"constrainedMemory",
	"cpuUsage",
	"cwd",
	"domain",
	"emitWarning",
	"env",
	"execArgv",
	"exit",
	"exitCode",
	"features",
	"finalization",
	"getActiveResourcesInfo",
	"getBuiltinModule",
	"getegid",
	"geteuid",
	"getgid",
	"getgroups",
	"getuid",
	"hasUncaughtExceptionCaptureCallback",
	"hrtime",
	"memoryUsage",
	"moduleLoadList",
	"nextTick",
	"permission",
	"reallyExit", // `exit` goes through it
	"ref",
	"release",
	"report",
	"resourceUsage",
	"setSourceMapsEnabled",
	"setUncaughtExceptionCaptureCallback",
	"sourceMapsEnabled",
	"stderr",
	"stdin",
	"stdout",
	"threadCpuUsage",
	"title",
	"umask",
	"unref",
	"uptime",
	"versions",
]);
