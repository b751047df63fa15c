import type { AskClient } from "../../../workers/wire/client-requests.ts";
import {
	readAnswer,
	readCollected,
	readStarted,
	type AnswerDto,
	type CallDto,
	type CollectedDto,
	type RequestType,
	type StartDto,
	type StartedDto,
	type NoticeMessage,
} from "../../../workers/wire/messages.ts";
import { createRpcClient, RpcError, type RequestLabels } from "../../../workers/wire/rpc-client.ts";
import type { ModuleWorker, WorkerEnd } from "../worker/worker.ts";

/** One start of a module: a worker, what it said it offers, and the requests that run in it. */
export interface Generation {
	readonly number: number;
	/** Content hash of the bundle it runs. */
	readonly hash: string;
	/** Resolves when its thread has ended, whoever ended it; never rejects. */
	readonly ended: Promise<WorkerEnd>;
	/** @throws {RpcError} */
	start(deadlineMs: number): Promise<StartedDto>;
	/** @throws {RpcError} */
	call(call: CallDto, options: CallOptions): Promise<AnswerDto>;
	/** @throws {RpcError} */
	collect(timeoutMs: number, options?: LeftRunningOption): Promise<CollectedDto>;
	/** Whether the worker's event loop turns: false when it does not answer within the deadline. */
	responds(deadlineMs: number): Promise<boolean>;
	/** Requests that have not been answered. */
	pending(): number;
	/** Resolves when all requests have been answered, or after the time given. */
	drained(timeoutMs: number): Promise<void>;
	/** Lets the module's `stop()` run, then ends the thread. Safe to call twice, and after the thread has died. */
	stop(deadlineMs: number): Promise<void>;
	/** Ends the thread at once; what is pending is rejected with the reason. False when the thread had to be abandoned. */
	kill(reason: string): Promise<boolean>;
}

export interface LeftRunningOption {
	/** Called when the request is given up while the worker may still be at work on it; `over` resolves once it is not. */
	readonly onLeftRunning?: (over: Promise<void>) => void;
}

export interface CallOptions extends LeftRunningOption {
	readonly deadlineMs: number;
	readonly signal?: AbortSignal;
	/** What a log line of the call is to carry. */
	readonly labels?: RequestLabels;
	/** A notification of the running call, as JSON text of `{method, params}`. */
	readonly onEmitted?: (json: string) => void;
	/** Answers what the running call asks its client. */
	readonly onAsked?: AskClient;
}

export interface GenerationOptions {
	readonly number: number;
	readonly hash: string;
	readonly worker: ModuleWorker;
	readonly start: StartDto;
	/** How long after its deadline a call or a collection that was cancelled may take to clean up behind itself. */
	readonly graceMs: number;
	readonly onEvent: (event: NoticeMessage, labels: RequestLabels | undefined) => void;
	readonly onViolation: (what: string) => void;
	/** It breaks the protocol or its limits all the time. @param what completes "it …" */
	readonly onUnruly?: (what: string) => void;
	/** The worker is still at work on a request whose deadline, and the grace after it, have passed. */
	readonly onOverrun: (type: "call" | "collect") => void;
}

export function createGeneration(options: GenerationOptions): Generation {
	const { worker } = options;
	const { onEvent, onViolation, onUnruly = () => undefined } = options;
	const onOverrun = (type: RequestType): void => {
		if (type === "call" || type === "collect") options.onOverrun(type); // the others have an end of their own
	};
	const rpc = createRpcClient(worker.port, { onEvent, onViolation, onUnruly, onOverrun }, options.graceMs);
	void worker.ended.then((end) => rpc.dispose(describeEnd(end)));
	let stopping: Promise<void> | undefined;

	const kill = (reason: string): Promise<boolean> => {
		rpc.dispose(reason);
		return worker.terminate();
	};
	const stop = async (deadlineMs: number): Promise<void> => {
		try {
			await rpc.request("stop", null, { deadlineMs, read: readNull });
		} catch (error) {
			// A module that fails or hangs in stop() is ended all the same; one that is already dead has nothing to stop.
			if (!(error instanceof RpcError)) throw error;
		}
		await kill("the module was stopped");
	};

	return {
		number: options.number,
		hash: options.hash,
		ended: worker.ended,
		start: (deadlineMs) => rpc.request("start", options.start, { deadlineMs, read: readStarted }),
		call: (call, callOptions) =>
			rpc.request("call", call, {
				...callOptions,
				read: (value) => readAnswer(value, options.start.limits.maxResultBytes),
			}),
		collect: (timeoutMs, left) =>
			rpc.request("collect", { timeoutMs }, { deadlineMs: timeoutMs, read: readCollected, ...left }),
		responds: (deadlineMs) =>
			rpc.request("ping", null, { deadlineMs, read: readNull }).then(
				() => true,
				(error: unknown) => error instanceof RpcError && error.failure === "closed",
			),
		pending: rpc.pending,
		drained: rpc.drained,
		stop: (deadlineMs) => {
			stopping ??= stop(deadlineMs);
			return stopping;
		},
		kill,
	};
}

/** A sentence for the errors of the calls that the end of the thread cut short. */
export function describeEnd(end: WorkerEnd): string {
	switch (end.reason) {
		case "stopped":
			return "the module was stopped";
		case "exit":
			return `the module ended itself (${end.error.message})`;
		case "out_of_memory":
			return "the module ran out of memory";
		case "crash":
			return `the module crashed: ${end.error.name}: ${end.error.message}`;
	}
}

function readNull(value: unknown): null | undefined {
	return value === null ? null : undefined;
}
