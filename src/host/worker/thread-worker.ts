import { MessageChannel } from "node:worker_threads";
import { Piscina } from "piscina";
import type { ThreadDataDto } from "../../../workers/wire/messages.ts";
import { toWireError } from "../../../workers/wire/wire-error.ts";
import { heapMemory, type ModuleWorker, NO_MEMORY, type ThreadOptions, type WorkerEnd } from "./worker.ts";
import { threadPageFaults, withThreadId } from "./page-faults.ts";

/**
 * The hard limit only ends a thread that the host's own watch on `MODULE_MEMORY_MB` has missed: near a hard limit V8
 * aborts the whole process as soon as one allocation is larger than its slack.
 */
export const HARD_HEAP_LIMIT_MB = 1024;
const TERMINATE_TIMEOUT_MS = 2000;
/** After the port has closed, how long to wait for Piscina to say why. */
const LAST_WORDS_MS = 100;

/**
 * Starts a thread as a Piscina pool of exactly one, whose one task lasts as long as the module.
 *
 * That keeps Piscina's own policies out of the way (seen on 5.3.2): a task that never ends keeps the event loop of the
 * worker turning, and a dying thread rejects it with the reason. Readiness, deadlines and restarts are the host's business
 * and go over the port.
 */
export function startThread({ entry, env, execArgv, compiledCode }: ThreadOptions): ModuleWorker {
	const { port1: port, port2 } = new MessageChannel();
	const { started: pool, tid } = withThreadId(
		() =>
			new Piscina({
				filename: entry,
				minThreads: 1,
				maxThreads: 1,
				atomics: "disabled", // 'sync' freezes the worker's event loop between tasks
				recordTiming: false,
				execArgv: [...execArgv],
				env: { ...env },
				workerData: { compiledCode } satisfies ThreadDataDto,
				resourceLimits: { maxOldGenerationSizeMb: HARD_HEAP_LIMIT_MB },
			}),
	);
	let terminating: Promise<boolean> | undefined;
	const ended = new Promise<WorkerEnd>((resolve) => {
		const end = (outcome: WorkerEnd): void => {
			resolve(outcome);
			void terminate();
		};
		pool.run({ port: port2 }, { transferList: [port2] as never }).then(
			// The task gives nothing back; with null it has been rejected by a `throw null` that nobody caught.
			(result: unknown) => end(result === null ? readEnd(null) : { reason: "stopped" }),
			(error: unknown) => end(terminating === undefined ? readEnd(error) : { reason: "stopped" }),
		);
		// Piscina reports here what happens outside of the task, and throws in main when nobody listens.
		pool.on("error", (error: unknown) => end(readEnd(error)));
		port.once("close", () => {
			setTimeout(
				() => end({ reason: "exit", error: toWireError(new Error("the worker closed its port")) }),
				LAST_WORDS_MS,
			);
		});
	});

	function terminate(): Promise<boolean> {
		terminating ??= destroy(pool).finally(() => port.close());
		return terminating;
	}

	const [thread] = pool.threads;
	// From here on it starts no bare thread in the place of one that has died: one such was left over whenever the dead one
	// took longer to go than its replacement, which `destroy` ends.
	pool.options.minThreads = 0;

	return {
		port,
		ended,
		terminate,
		idleMs: () => thread?.performance.eventLoopUtilization().idle ?? 0,
		pageFaults: () => (tid === undefined ? undefined : threadPageFaults(tid)),
		async cpuSeconds() {
			try {
				const usage = await thread?.cpuUsage();
				return usage === undefined ? undefined : (usage.user + usage.system) / 1_000_000;
			} catch (error) {
				if ((error as NodeJS.ErrnoException).code === "ERR_WORKER_NOT_RUNNING") return undefined;
				throw error;
			}
		},
		async memoryUsage() {
			try {
				const statistics = await thread?.getHeapStatistics();
				return statistics === undefined ? NO_MEMORY : heapMemory(statistics);
			} catch (error) {
				if ((error as NodeJS.ErrnoException).code === "ERR_WORKER_NOT_RUNNING") return NO_MEMORY; // not up yet, or gone
				throw error;
			}
		},
	};
}

function destroy(pool: Piscina): Promise<boolean> {
	return new Promise((resolve) => {
		// `destroy` never settles for a thread that is stuck in native code.
		const timer = setTimeout(() => resolve(false), TERMINATE_TIMEOUT_MS);
		const done = (): void => {
			clearTimeout(timer);
			resolve(true);
		};
		pool.destroy().then(done, done);
	});
}

const EXIT_MESSAGE = /^worker exited with code: -?\d+$/;

function readEnd(thrown: unknown): WorkerEnd {
	const error = toWireError(thrown);
	if (error.code === "ERR_WORKER_OUT_OF_MEMORY") return { reason: "out_of_memory", error };
	return EXIT_MESSAGE.test(error.message) ? { reason: "exit", error } : { reason: "crash", error };
}
