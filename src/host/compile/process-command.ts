import { existsSync } from "node:fs";
import { totalmem } from "node:os";
import process from "node:process";

/** How a process for compiling is started. */
export interface BundleCommand {
	readonly file: string;
	readonly args: readonly string[];
	readonly env: Readonly<Record<string, string>>;
}

/**
 * The kernel's limit on the data of a process (`ulimit -d`): since Linux 4.7 it counts whatever memory a process may
 * write to, and unlike the one on addresses it counts nothing that Go and V8 only reserve. Each of the two processes has
 * it. Where memory runs out all the same, the kernel ends them before it ends the host. Elsewhere than on Linux there is
 * only what Go itself aims at, and the deadline.
 */
export function bundleCommand(entry: readonly string[], memoryBytes: number = defaultMemoryBytes()): BundleCommand {
	const limits = [`--max-old-space-size=${Math.floor(memoryBytes / 2 / MIB)}`, "--no-warnings"];
	const node = [process.execPath, ...limits, ...entry];
	// Nothing of the host's environment, which has secrets in it.
	const env = { GOMEMLIMIT: `${Math.floor((memoryBytes * 3) / 4)}` };
	return process.platform === "linux" && existsSync(SHELL)
		? { file: SHELL, args: ["-c", SCRIPT, SHELL, String(Math.floor(memoryBytes / 1024)), ...node], env }
		: { file: process.execPath, args: node.slice(1), env };
}

const SHELL = "/bin/sh";
const SCRIPT = 'ulimit -c 0; ulimit -d "$1"; { echo 1000 >/proc/self/oom_score_adj; } 2>/dev/null; shift; exec "$@"';
const MIB = 1024 ** 2;
const MOST_MEMORY_BYTES = 768 * MIB;
const LEAST_MEMORY_BYTES = 384 * MIB;

/** A part of what the machine, or the container, has. */
function defaultMemoryBytes(): number {
	const constrained = process.constrainedMemory();
	const total = constrained > 0 && constrained < totalmem() ? constrained : totalmem();
	return Math.min(MOST_MEMORY_BYTES, Math.max(LEAST_MEMORY_BYTES, Math.floor(total / 2)));
}
