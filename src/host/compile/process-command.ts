import { totalmem } from "node:os";
import process from "node:process";
import { limited } from "../../core/memory-limit.ts";

/** How a process for compiling is started. */
export interface BundleCommand {
	readonly file: string;
	readonly args: readonly string[];
	readonly env: Readonly<Record<string, string>>;
}

/**
 * The kernel's limit on the data of a process (`ulimit -d`): since Linux 4.7 it counts whatever memory a process may
 * write to, and unlike the one on addresses it counts nothing that Go and V8 only reserve. esbuild gets `memoryBytes`;
 * its JavaScript side, which starts it, as much and what V8 maps without using it. Where memory runs out all the same, the
 * kernel ends them before it ends the host. Elsewhere than on Linux there is only what the two aim at by themselves, and
 * the deadline.
 */
export function bundleCommand(entry: readonly string[], memoryBytes: number = defaultMemoryBytes()): BundleCommand {
	const node = [
		`--max-old-space-size=${Math.floor(memoryBytes / MIB)}`,
		"--no-warnings",
		...entry,
		String(memoryBytes),
	];
	// Nothing of the host's environment, which has secrets in it.
	const env = { GOMEMLIMIT: `${Math.floor((memoryBytes * 3) / 4)}` };
	return { ...limited(memoryBytes + V8_MAPS_BYTES, process.execPath, node), env };
}

const MIB = 1024 ** 2;
/** Seen of Node 24 and 26: between 450 and 650 MiB. */
const V8_MAPS_BYTES = 1024 * MIB;
const MOST_MEMORY_BYTES = 768 * MIB;
const LEAST_MEMORY_BYTES = 192 * MIB;

/** A part of what the machine, or the container, has. */
function defaultMemoryBytes(): number {
	const constrained = process.constrainedMemory();
	const total = constrained > 0 && constrained < totalmem() ? constrained : totalmem();
	return Math.min(MOST_MEMORY_BYTES, Math.max(LEAST_MEMORY_BYTES, Math.floor(total / 2)));
}
