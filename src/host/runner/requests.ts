import type { WireErrorDto } from "../../../workers/wire/wire-error.ts";
import type { AnswerDto, CallDto } from "../../../workers/wire/messages.ts";
import { RpcError } from "../../../workers/wire/rpc-client.ts";
import { BulkheadError } from "../../core/errors.ts";
import type { CallOptions, Generation } from "./generation.ts";
import type { ModuleProblem } from "./error-location.ts";
import { callError, collectError, type WorkOutcome, type WorkType, workOutcome } from "./rpc-errors.ts";
import type { RestartReason } from "./restart-policy.ts";
import { wakened } from "./wake-up.ts";

/** Requests to a module, whichever of its generations answers them. */
export interface ModuleRequests {
	/** @throws {BulkheadError} always within the deadline */
	call(call: CallDto, options: CallOptions): Promise<AnswerDto>;
	/** @throws {BulkheadError} always within the deadline */
	collect(timeoutMs: number): Promise<CollectedSnapshot>;
}

export interface CollectedSnapshot {
	readonly generation: number;
	/** Undefined where the module has no metrics. */
	readonly snapshot: Uint8Array | undefined;
	/** Metrics that are missing from it. */
	readonly failures?: MetricFailures | undefined;
}

/** Metrics of a module whose own `collect()` failed. */
export interface MetricFailures {
	readonly names: readonly string[];
	/** Why; of the first few. */
	readonly metrics: readonly { readonly metric: string; readonly problem: ModuleProblem }[];
}

/** A module's own error ended what was asked of it. */
export class ModuleError extends BulkheadError {
	readonly problem: ModuleProblem;

	constructor({ code, message, cause }: BulkheadError, problem: ModuleProblem) {
		super(code, message, { cause });
		this.problem = problem;
	}
}

export interface ModuleRequestsOptions {
	readonly id: string;
	/** The generation that serves. */
	readonly serving: () => Generation | undefined;
	/** Undefined while a generation is being started or will be in a moment: then a call waits for it. */
	readonly unavailable: () => string | undefined;
	/** Whom to wake when either of the two may have changed. */
	readonly waiting: Set<() => void>;
	/** Where in the author's files an error comes from. */
	readonly locate: (error: WireErrorDto) => ModuleProblem;
	/** Why the generation was ended before its time; undefined where it was not. */
	readonly endedBy: (generation: Generation) => RestartReason | undefined;
	/** A worker has answered what it was given, or it was given up. */
	readonly onWorked: (work: WorkType, outcome: WorkOutcome, durationMs: number) => void;
	/** A request ran out of time and the event loop does not turn. */
	readonly onStuck: (generation: Generation, reason: "call_timeout" | "collect_timeout") => void;
}

/** After a request has run out of time, how long a healthy event loop may take to say that it turns. */
const RESPONSE_GRACE_MS = 1000;

export function createModuleRequests({ id, ...module }: ModuleRequestsOptions): ModuleRequests {
	/** @throws {BulkheadError} */
	async function serving(deadlineAt: number, signal: AbortSignal | undefined): Promise<Generation> {
		for (;;) {
			const generation = module.serving();
			if (generation !== undefined) return generation;
			const unavailable = module.unavailable();
			if (unavailable !== undefined) throw new BulkheadError("MODULE_UNAVAILABLE", unavailable);
			if (signal?.aborted === true) throw new BulkheadError("CALL_CANCELLED", `the call to ${id} was cancelled`);
			const leftMs = deadlineAt - performance.now();
			if (leftMs <= 0) throw new BulkheadError("CALL_TIMEOUT", `${id} did not come back within the call's deadline`);
			await wakened(module.waiting, leftMs, signal);
		}
	}

	/** A loop that still turns has only lost that request; a stuck one is of no use to anybody. */
	async function checkResponse(generation: Generation, reason: "call_timeout" | "collect_timeout"): Promise<void> {
		if (!(await generation.responds(RESPONSE_GRACE_MS))) module.onStuck(generation, reason);
	}

	/** Those that still run a collection that has been given up. */
	const collecting = new Set<Generation>();

	return {
		async call(call, options) {
			const deadlineAt = performance.now() + options.deadlineMs;
			for (;;) {
				const generation = await serving(deadlineAt, options.signal);
				const givenAt = performance.now();
				try {
					const deadlineMs = Math.max(1, deadlineAt - givenAt);
					const answer = await generation.call(call, { ...options, deadlineMs });
					module.onWorked("call", "ok", performance.now() - givenAt);
					return answer;
				} catch (error) {
					if (!(error instanceof RpcError)) throw error;
					// Never begun, so it can go to the next generation as if it had arrived a moment later.
					if (error.failure === "closed" && !error.acked && module.serving() !== generation) continue;
					module.onWorked("call", workOutcome(error), performance.now() - givenAt);
					if (error.failure === "timeout") void checkResponse(generation, "call_timeout");
					throw callError(id, error, options.deadlineMs, module.endedBy(generation));
				}
			}
		},
		async collect(timeoutMs) {
			const generation = module.serving();
			if (generation === undefined) {
				throw new BulkheadError("MODULE_UNAVAILABLE", module.unavailable() ?? `${id} is being started`);
			}
			if (collecting.has(generation)) {
				throw new BulkheadError("COLLECT_TIMEOUT", `${id}: the collection before is still running`);
			}
			const givenAt = performance.now();
			try {
				const onLeftRunning = (over: Promise<void>): void => {
					collecting.add(generation);
					void over.then(() => collecting.delete(generation));
				};
				const { snapshot, failures = [], missing = [] } = await generation.collect(timeoutMs, { onLeftRunning });
				module.onWorked("collect", "ok", performance.now() - givenAt);
				const metrics = failures.map(({ metric, error }) => ({ metric, problem: module.locate(error) }));
				return {
					generation: generation.number,
					snapshot,
					...(missing.length > 0 && { failures: { names: missing, metrics } }),
				};
			} catch (error) {
				if (!(error instanceof RpcError)) throw error;
				module.onWorked("collect", workOutcome(error), performance.now() - givenAt);
				if (error.failure === "timeout") void checkResponse(generation, "collect_timeout");
				const failure = collectError(id, error);
				throw error.remote === undefined ? failure : new ModuleError(failure, module.locate(error.remote));
			}
		},
	};
}
