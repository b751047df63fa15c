import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFile } from "node:fs";
import process from "node:process";
import type { Readable, Writable } from "node:stream";
import { isBeat, PROCESS_WIRE } from "../../../workers/pipe/frame.ts";
import { readWireError, toWireError, type WireErrorDto } from "../../../workers/wire/wire-error.ts";
import type { FloodLimits } from "./flood-limiter.ts";
import { trackLeftovers } from "./process-leftovers.ts";
import { createFramedPipe, type FramedPipe } from "./framed-pipe.ts";
import { type ModuleWorker, NO_MEMORY, type WorkerEnd, type WorkerMemory, type WorkerOptions } from "./worker.ts";
import { processCommand, processEntryOf } from "./process-command.ts";
import { countOomKills, describeProcessEnd } from "./process-exit.ts";
import { type ProcessOutput, readProcessOutput } from "./process-stdio.ts";
import { findUnreadable, type ProcessUser } from "./process-user.ts";
import { isRecord } from "../../../workers/wire/json.ts";
import type { Port } from "../../../workers/wire/port.ts";

export interface ProcessOptions extends WorkerOptions {
	/** Absolute path of an empty folder to work in: under its permission model Node may read all of it. */
	readonly cwd: string;
	/** Limit of V8's heap. What lies outside of it (buffers) shows in `memoryUsage`, for the host's own watch. */
	readonly memoryMb: number;
	/** Whom to run as; undefined: the host's own user. See `separateUser`. */
	readonly user: ProcessUser | undefined;
	/** Absolute paths that it must be able to read beside the program itself: the bundle, the client libraries. */
	readonly reads: readonly string[];
	/** Longest answer, catalog or snapshot that is taken from it, in bytes. */
	readonly maxBodyBytes: number;
	/** What it writes to its standard output and error, line by line, under a quota. Must not throw. */
	readonly onOutput: (stream: "stdout" | "stderr", line: string) => void;
	readonly flood?: FloodLimits;
}

/**
 * Starts a module's worker in a process of its own: the same entries, runtime and protocol as in a thread, over a framed
 * pipe. What no thread contains ends here as one dead process: a fatal V8 error, a signal, native code that crashes or
 * never returns. Whatever the process does to its pipe, main reads it as data (see `createFramedPipe`).
 *
 * The pipe is two plain descriptors of the process. A module that can write to descriptors it did not open could write
 * to it; it would speak for itself only, since a pipe belongs to one process, and wrong bytes end that process.
 *
 * Never throws: a process that cannot be started has ended with the reason.
 */
export function startProcess(options: ProcessOptions): ModuleWorker {
	const unreadable =
		options.user &&
		findUnreadable([process.execPath, options.entry, processEntryOf(options.entry), ...options.reads], options.user);
	if (unreadable !== undefined) return failed(new Error(unreadable));
	const oomKillsBefore = countOomKills();
	let child: ChildProcess;
	try {
		child = spawnProcess(options);
	} catch (error) {
		return failed(error);
	}
	const { pid } = child;
	if (pid === undefined) {
		for (const stream of child.stdio ?? []) stream?.destroy();
		return failed(once(child, "error").then(([error]: unknown[]) => error));
	}
	return attach(child, pid, options, oomKillsBefore);
}

function attach(child: ChildProcess, pid: number, options: ProcessOptions, oomKillsBefore: number): ModuleWorker {
	const [, stdout, stderr, toProcess, fromProcess] = child.stdio as unknown as [
		null,
		Readable,
		Readable,
		Writable,
		Readable,
	];
	let stopped: "terminated" | "asked" | undefined;
	let broken: string | undefined;
	let begun = false;
	let lastThrown: WireErrorDto | undefined;
	let terminating: Promise<boolean> | undefined;
	let idleMs = 0;
	let isBeatDue = false;
	const endLeftovers = trackLeftovers(pid, options.user);

	const pipe = createFramedPipe({
		input: fromProcess,
		output: toProcess,
		limits: { maxHeadBytes: PROCESS_WIRE.maxHeadBytes, maxBodyBytes: options.maxBodyBytes },
		onBroken: (what) => {
			broken = what;
			killGroup(pid);
		},
		...(options.flood !== undefined && { flood: options.flood }),
	});
	const outputs = [
		readProcessOutput(stdout, (line) => options.onOutput("stdout", line)),
		readProcessOutput(stderr, (line) => options.onOutput("stderr", line)),
	] as const;

	const exited = new Promise<void>((resolve) => void child.once("exit", () => resolve()));
	// A process without its pipe can serve nothing; usually it is ending and the kernel closed it.
	void pipe.drained
		.then(() => within(exited, LAST_WORDS_MS))
		.then((gone) => {
			if (gone) return;
			broken ??= "closed its pipe to the host";
			killGroup(pid);
		});

	const port: Port = {
		postMessage(message, transfer) {
			if (isRecord(message) && message["type"] === "stop") stopped ??= "asked";
			pipe.postMessage(message, transfer);
		},
		on(event, listener) {
			return pipe.on(event, (message) => {
				begun = true;
				lastThrown = readThrown(message);
				if (isBeat(message)) takeBeat(message.idleMs);
				else if (lastThrown === undefined) listener(message);
			});
		},
		close: () => void terminate(),
	};

	function takeBeat(value: unknown): void {
		isBeatDue = false;
		if (typeof value === "number" && value > idleMs) idleMs = value;
	}

	async function end(): Promise<WorkerEnd> {
		await exited;
		killGroup(pid); // what the module started and left behind
		await endLeftovers();
		if (stopped !== "terminated") await lastWords(pipe, outputs);
		pipe.close();
		for (const output of outputs) output.close();
		toProcess.destroy();
		return describeProcessEnd({
			code: child.exitCode,
			signal: child.signalCode,
			stopped,
			broken,
			lastThrown,
			begun,
			errors: outputs[1].tail(),
			oomKills: countOomKills() - oomKillsBefore,
		});
	}
	const ended = end();

	async function kill(): Promise<boolean> {
		if (child.exitCode === null && child.signalCode === null) {
			stopped = "terminated";
			killGroup(pid);
		}
		// One that the kernel holds in an uninterruptible wait goes when that ends; there is nothing left to try.
		return within(ended, TERMINATE_TIMEOUT_MS);
	}
	function terminate(): Promise<boolean> {
		terminating ??= kill();
		return terminating;
	}

	return {
		port,
		ended,
		terminate,
		idleMs() {
			// As of the last time it was asked: one whose event loop stands still does not reply, and has not idled.
			if (!isBeatDue) pipe.postMessage({ type: PROCESS_WIRE.beat }, []);
			isBeatDue = true;
			return idleMs;
		},
		memoryUsage: async () => readMemoryUsage(pid),
		cpuSeconds: async () => readCpuSeconds(pid),
		pageFaults: () => undefined,
	};
}

function spawnProcess(options: ProcessOptions): ChildProcess {
	const { file, args, user } = processCommand(options);
	const child = spawn(file, args, {
		cwd: options.cwd,
		env: { ...options.env },
		stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"],
		// A group of its own: Ctrl-C reaches the host, which stops its modules in order, and what a module has started
		// can be ended with it.
		detached: true,
		...(user !== undefined && { uid: user.uid, gid: user.gid }),
	});
	// When memory runs out the kernel picks this before the host. Nothing depends on it.
	if (child.pid !== undefined) writeFile(`/proc/${child.pid}/oom_score_adj`, OOM_SCORE_ADJUSTMENT, () => undefined);
	return child;
}

/** SIGKILL at once: the graceful stop is a request of the protocol, and came before. */
function killGroup(pid: number): void {
	try {
		process.kill(-pid, "SIGKILL");
	} catch {
		// ESRCH: nobody of the group is left
	}
}

/**
 * Memory of its own, as the kernel counts it; held is what is above what Node takes up without a module. None where the
 * kernel does not say: then the limit of V8's heap is the only one.
 */
function readMemoryUsage(pid: number): WorkerMemory {
	try {
		const status = readFileSync(`/proc/${pid}/status`, "latin1");
		const kilobytes = [...status.matchAll(/^Rss(?:Anon|Shmem):\s+(\d+) kB$/gm)].reduce(
			(sum, [, text]) => sum + Number(text),
			0,
		);
		const rss = kilobytes * 1024;
		return { heldBytes: Math.max(0, rss - BARE_PROCESS_BYTES), bytes: { rss } };
	} catch {
		return NO_MEMORY; // it has ended
	}
}

/** proc(5): utime and stime are the 14th and 15th field, in ticks; the name before them may hold blanks and brackets. */
function readCpuSeconds(pid: number): number | undefined {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
		const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
		return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
	} catch {
		return undefined; // it has ended, or this is no Linux
	}
}

/** USER_HZ, which Linux has fixed at 100 for what it tells programs. */
const TICKS_PER_SECOND = 100;

/** Lets what the process sent before it ended arrive: an answer, an error that nobody caught, the words of V8. */
async function lastWords(pipe: FramedPipe, outputs: readonly ProcessOutput[]): Promise<void> {
	// Limited, since a program that the module started may hold its standard output open.
	await within(Promise.all([pipe.drained, ...outputs.map((output) => output.ended)]), LAST_WORDS_MS);
}

const BARE_PROCESS_BYTES = 32 * 1024 * 1024;
const LAST_WORDS_MS = 200;
const TERMINATE_TIMEOUT_MS = 2000;
const OOM_SCORE_ADJUSTMENT = "500";

/** Whether it is settled in time. */
function within(settled: Promise<unknown>, timeoutMs: number): Promise<boolean> {
	return new Promise((resolve) => {
		const timer = setTimeout(() => resolve(false), timeoutMs);
		const done = (): void => {
			clearTimeout(timer);
			resolve(true);
		};
		settled.then(done, done);
	});
}

function readThrown(message: unknown): WireErrorDto | undefined {
	return isRecord(message) && message["type"] === PROCESS_WIRE.threw ? readWireError(message["error"]) : undefined;
}

function failed(reason: unknown): ModuleWorker {
	return {
		port: { postMessage: () => undefined, on: () => undefined, close: () => undefined },
		ended: Promise.resolve(reason).then((error) => ({ reason: "crash", error: toWireError(error) })),
		terminate: () => Promise.resolve(true),
		idleMs: () => 0,
		memoryUsage: () => Promise.resolve(NO_MEMORY),
		cpuSeconds: () => Promise.resolve(undefined),
		pageFaults: () => undefined,
	};
}
