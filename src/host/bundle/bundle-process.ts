/**
 * Entry of the process that modules are compiled in: esbuild's JavaScript side, with esbuild's own process as its child.
 * Both are in one process group, under the limits that `compile/bundle-process-command.ts` sets.
 */
import childProcess, { type SpawnOptions } from "node:child_process";
import { setPriority } from "node:os";
import process from "node:process";
import { messageOf } from "../../core/errors.ts";
import { buildModule, isEsbuildEnd } from "./bundler.ts";
import { limited } from "../../core/memory-limit.ts";
import type { OnRead } from "./esbuild-plugin.ts";
import type { FileStamp } from "../../core/file-fingerprint.ts";
import type { BuildMessage, BuildReplyDto, BuildRequestDto, BundleProcessMessage } from "./protocol.ts";

const BACKGROUND_NICENESS = 10;

// What is known to be costly waits for everything else; esbuild takes all the cores that it gets.
if (process.argv.includes("--background")) {
	try {
		setPriority(BACKGROUND_NICENESS);
	} catch {
		// It is only a courtesy.
	}
}
// esbuild starts its process without asking how. This is the only other one that is started here.
const { spawn } = childProcess;
const memoryBytes = Number(process.argv.at(-1));
childProcess.spawn = ((file: string, args: readonly string[], options: SpawnOptions) => {
	const command = limited(memoryBytes, file, args);
	return spawn(command.file, command.args, options);
}) as typeof spawn;

process.on("message", ({ job, request }: BuildMessage) => void answer(job, request));
process.on("disconnect", endAll);

async function answer(job: number, request: BuildRequestDto): Promise<void> {
	let stamps: [string, FileStamp][] = [];
	function flush(): void {
		if (stamps.length > 0) say({ type: "read", job, stamps });
		stamps = [];
	}
	const reply = await build(request, (path, stamp) => {
		if (stamps.push([path, stamp]) === 1) setImmediate(flush);
	});
	flush();
	say({ type: "built", job, reply });
}

function say(message: BundleProcessMessage): void {
	process.send?.(message);
}

async function build(request: BuildRequestDto, onRead: OnRead): Promise<BuildReplyDto> {
	try {
		return await buildModule(request, onRead);
	} catch (error) {
		// What else was being built is lost as well, and whoever asked sees the end of this process.
		if (isEsbuildEnd(error)) return endAll();
		const problem = { file: request.id, line: 1, column: 1, message: messageOf(error), frame: "" };
		return { ok: false, problems: [problem], passing: true };
	}
}

/** The host is gone, however it went, or esbuild is. */
function endAll(): never {
	// esbuild would notice by itself, when it has done what it is at.
	if (process.platform !== "win32") process.kill(-process.pid, "SIGKILL");
	process.exit(1);
}
