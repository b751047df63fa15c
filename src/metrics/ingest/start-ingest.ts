import { once } from "node:events";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { IntakePort, IntakeReply, IntakeRequest } from "./protocol.ts";
import type { IntakeOptions } from "./ingest.ts";

export interface IntakeSettings extends Pick<IntakeOptions, "hostFamilies" | "maxSeries" | "leaseMs"> {
	/** Where owners of names are kept, and counters; neither is without it. */
	readonly stateDir?: string | undefined;
	/** Whether counters go on over a restart of the host. */
	readonly counterState: boolean;
}

export interface Intake extends IntakePort<IntakeRequest, IntakeReply> {
	/** Resolves when what is kept is on the disk and the thread has ended. What is asked for afterwards is not answered. Safe to call twice. */
	stop(): Promise<void>;
}

/**
 * The intake (snapshot-intake.ts) in a thread of its own. It runs the host's code alone, so its end without being asked is
 * a defect of the host, and the host's end: the supervisor starts both again.
 */
export function startIntake(settings: IntakeSettings): Intake {
	const worker = new Worker(new URL(`./ingest-thread${extname(import.meta.url)}`, import.meta.url), {
		workerData: settings,
		name: "intake",
	});
	let stopping: Promise<void> | undefined;
	worker.once("exit", (code) => {
		if (stopping === undefined) throw new Error(`the thread that takes snapshots in has ended, with code ${code}`);
	});
	return {
		postMessage: (message, transfer) => worker.postMessage(message, transfer),
		on: (event, listener) => worker.on(event, listener),
		stop() {
			stopping ??= (async () => {
				const ended = once(worker, "exit");
				worker.postMessage({ type: "stop" } satisfies IntakeRequest, []);
				await ended;
			})();
			return stopping;
		},
	};
}
