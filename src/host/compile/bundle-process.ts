import { type ChildProcess, spawn } from "node:child_process";
import { extname } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type {
	BuildMessage,
	BuildReplyDto,
	BuildRequestDto,
	BundleProcessMessage,
	StampsDto,
} from "../bundle/protocol.ts";
import { bundleCommand } from "./process-command.ts";

/** What came of a build, and what was read for it. */
export type BuildEnd = BuildEndReason & { readonly stamps: StampsDto };

type BuildEndReason =
	| { readonly type: "built"; readonly reply: BuildReplyDto }
	/** It took too long, and its process was ended. */
	| { readonly type: "overdue" }
	/** The process ended because another build in it took too long. */
	| { readonly type: "interrupted" }
	/** The process ended by itself, because of this build or of another in it; `reason` is what it said, if it did. */
	| { readonly type: "died"; readonly reason: string }
	| { readonly type: "stopped" };

/**
 * A process that modules are compiled in, away from main's thread and memory. It starts when there is something to build,
 * ends some seconds after the last build, and does not outlive the host.
 */
export interface BundleProcess {
	build(request: BuildRequestDto, timeoutMs: number): Promise<BuildEnd>;
	/** Builds under way end as "stopped". Idempotent. */
	stop(): void;
}

export interface BundleProcessOptions {
	/** Of esbuild and of its JavaScript side, each. */
	readonly memoryBytes?: number;
	readonly idleMs?: number;
	/** Everything else on the machine comes first. */
	readonly background?: boolean;
}

const IDLE_MS = 5000;

export function createBundleProcess(options: BundleProcessOptions = {}): BundleProcess {
	const { memoryBytes, idleMs = IDLE_MS, background = false } = options;
	let current: Running | undefined;
	let jobs = 0;

	/** @param endOf what becomes of each build under way */
	function end(running: Running, endOf: (job: number) => BuildEndReason): void {
		if (current === running) current = undefined;
		clearTimeout(running.idle);
		kill(running.child);
		// The latest first: of those that are built again, what has taken longest comes last, and waits for nobody.
		for (const [job, { settle }] of [...running.pending].toReversed()) settle(endOf(job));
		running.pending.clear();
	}

	function start(): Running {
		const { file, args, env } = bundleCommand(background ? [ENTRY, BACKGROUND] : [ENTRY], memoryBytes);
		const child = spawn(file, args, {
			env,
			stdio: ["ignore", "ignore", "pipe", "ipc"],
			detached: process.platform !== "win32", // a group of its own, so that esbuild ends with it
		});
		const running: Running = { child, pending: new Map(), idle: undefined, said: "" };
		child.stderr?.setEncoding("utf8").on("data", (text: string) => {
			if (running.said.length < MAX_SAID) running.said += text.slice(0, MAX_SAID);
		});
		child.on("message", (message: BundleProcessMessage) => {
			const pending = running.pending.get(message.job);
			if (message.type === "read") return void pending?.stamps.push(...message.stamps);
			running.pending.delete(message.job);
			pending?.settle({ type: "built", reply: message.reply });
			if (running.pending.size === 0) rest(running);
		});
		const died = (reason: string): void => end(running, () => ({ type: "died", reason }));
		child.on("error", (error) => died(error.message));
		// Not "exit": what it has said is there then.
		child.on("close", (code, signal) => died(`${signal ?? `exit code ${code}`}\n${running.said}`));
		return running;
	}

	function rest(running: Running): void {
		running.idle = setTimeout(() => end(running, () => ({ type: "stopped" })), idleMs);
	}

	return {
		build(request, timeoutMs) {
			const running = (current ??= start());
			clearTimeout(running.idle);
			const job = ++jobs;
			const { promise, resolve } = Promise.withResolvers<BuildEnd>();
			const deadline = setTimeout(
				() => end(running, (each) => ({ type: each === job ? "overdue" : "interrupted" })),
				timeoutMs,
			);
			const stamps: StampsDto[number][] = [];
			running.pending.set(job, {
				stamps,
				settle(reason) {
					clearTimeout(deadline);
					resolve({ ...reason, stamps });
				},
			});
			// What cannot be sent because it has ended, its end is told of.
			running.child.send({ job, request } satisfies BuildMessage, () => undefined);
			return promise;
		},
		stop() {
			if (current !== undefined) end(current, () => ({ type: "stopped" }));
		},
	};
}

interface Running {
	readonly child: ChildProcess;
	readonly pending: Map<number, Pending>;
	idle: NodeJS.Timeout | undefined;
	/** The beginning of its standard error. */
	said: string;
}

interface Pending {
	readonly stamps: StampsDto[number][];
	settle(reason: BuildEndReason): void;
}

const MAX_SAID = 2000;

const BACKGROUND = "--background";
const ENTRY = fileURLToPath(import.meta.resolve(`../bundle/bundle-process${extname(import.meta.url)}`));

function kill({ pid }: ChildProcess): void {
	if (pid === undefined) return;
	try {
		process.kill(process.platform === "win32" ? pid : -pid, "SIGKILL");
	} catch {
		// All of it has ended.
	}
}
