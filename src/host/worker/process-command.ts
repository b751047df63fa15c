import { accessSync, constants, realpathSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import type { ProcessUser } from "./process-user.ts";

export interface ProcessCommandOptions {
	/** Absolute path of the worker entry; the entry of the process lies beside it. */
	readonly entry: string;
	readonly execArgv: readonly string[];
	readonly memoryMb: number;
	readonly maxBodyBytes: number;
	readonly user: ProcessUser | undefined;
}

export interface ProcessCommand {
	readonly file: string;
	readonly args: readonly string[];
	/** The user that the caller must set, because the command does not. */
	readonly user: ProcessUser | undefined;
}

/** Path of the program that a module process runs. */
export function processEntryOf(workerEntry: string): string {
	return path.join(path.dirname(workerEntry), `process-entry${path.extname(workerEntry)}`);
}

/**
 * How a module process is started: as Node, through two programs of util-linux where they are installed, each of which
 * turns into the next and costs about a millisecond.
 *
 * `setpriv` gives what Node cannot: the kernel ends the process when the host dies, however stuck it is
 * (PR_SET_PDEATHSIG), and no program that it starts can become more than it is (no_new_privs). `prlimit` keeps a crash
 * from leaving a core file as large as the heap. Without them the process still ends with the host as long as its event
 * loop turns, since its pipe closes.
 */
export function processCommand(options: ProcessCommandOptions): ProcessCommand {
	const node = [
		process.execPath,
		...OWN_FLAGS,
		`--max-old-space-size=${options.memoryMb}`,
		...options.execArgv,
		processEntryOf(options.entry),
		options.entry,
		String(options.maxBodyBytes),
	];
	programs ??= { setpriv: findProgram("setpriv"), prlimit: findProgram("prlimit") };
	const { setpriv, prlimit } = programs;
	const command = [
		...(prlimit === undefined ? [] : [prlimit, "--core=0", "--"]),
		...(setpriv === undefined ? [] : [setpriv, "--pdeathsig=KILL", "--no-new-privs", ...userFlags(options.user), "--"]),
		...node,
	];
	const [file = process.execPath, ...args] = command;
	return { file, args, user: setpriv === undefined ? options.user : undefined };
}

const OWN_FLAGS = [
	// As the host has them, so that a module sees the same language in a thread and in a process.
	"--disable-proto=delete",
	// The signal would open the inspector.
	"--disable-sigusr1",
];

const PROGRAM_FOLDERS = ["/usr/bin", "/bin", "/usr/local/bin", "/sbin", "/usr/sbin"];
let programs: { readonly setpriv: string | undefined; readonly prlimit: string | undefined } | undefined;

/** Busybox has programs of these names with fewer options, as links to itself. */
function findProgram(name: string): string | undefined {
	if (process.platform !== "linux") return undefined;
	return PROGRAM_FOLDERS.map((folder) => path.join(folder, name)).find((file) => isUtilLinux(file));
}

function isUtilLinux(file: string): boolean {
	try {
		accessSync(file, constants.X_OK);
		return path.basename(realpathSync(file)) !== "busybox";
	} catch {
		return false;
	}
}

function userFlags(user: ProcessUser | undefined): readonly string[] {
	return user === undefined ? [] : [`--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups"];
}
