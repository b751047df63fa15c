import { existsSync } from "node:fs";
import process from "node:process";

/**
 * The same command with a limit on the memory that it may write to, without core dumps, and first in line where the kernel
 * has to end something; as it is where there is no such limit.
 */
export function limited(
	memoryBytes: number,
	file: string,
	args: readonly string[],
): { readonly file: string; readonly args: readonly string[] } {
	if (process.platform !== "linux" || !existsSync(SHELL)) return { file, args };
	return { file: SHELL, args: ["-c", SCRIPT, SHELL, String(Math.floor(memoryBytes / 1024)), file, ...args] };
}

const SHELL = "/bin/sh";
const SCRIPT = 'ulimit -c 0; ulimit -d "$1"; { echo 1000 >/proc/self/oom_score_adj; } 2>/dev/null; shift; exec "$@"';
