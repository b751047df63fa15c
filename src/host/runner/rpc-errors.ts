import { RESULT_TOO_LARGE } from "../../../workers/wire/messages.ts";
import { RpcError } from "../../../workers/wire/rpc-client.ts";
import { type WireErrorDto, WRONG_SHAPE } from "../../../workers/wire/wire-error.ts";
import { BulkheadError } from "../../core/errors.ts";
import { describeEnd } from "./generation.ts";
import type { WorkerEnd } from "../worker/worker.ts";
import type { RestartReason } from "./restart-policy.ts";

/** What a worker is given to do for somebody who waits. */
export type WorkType = "call" | "collect";
/** How it ended: `ok` is an answer, whatever it says. */
export type WorkOutcome = "ok" | "error" | "timeout" | "cancelled";

export function workOutcome({ failure }: RpcError): WorkOutcome {
	return failure === "timeout" || failure === "cancelled" ? failure : "error";
}

/** Why a module did not start, as one error with what to do about it. */
export function describeStartFailure(error: unknown, end: WorkerEnd, timeoutMs: number): WireErrorDto {
	if (error instanceof BulkheadError) return { name: "Error", message: error.message };
	if (!(error instanceof RpcError)) throw error;
	if (error.remote !== undefined) return error.remote;
	if (error.failure === "timeout") {
		return {
			name: "Error",
			message: `it did not start within ${timeoutMs} ms (MODULE_START_TIMEOUT_MS); do less before the first await, or in start()`,
		};
	}
	return end.reason === "stopped"
		? { name: "Error", message: error.message }
		: { ...end.error, message: describeEnd(end) };
}

/** Whether the module would fail to start again for the same reason, however often: it has not the shape of one. */
export function isFinalFailure(error: unknown): boolean {
	return error instanceof RpcError && error.remote?.code === WRONG_SHAPE;
}

/** A start that takes too long is a hang, whether it loops or waits for what never comes. */
export function startFailureReason(error: unknown, end: WorkerEnd): RestartReason {
	if (end.reason !== "stopped") return end.reason;
	return error instanceof RpcError && error.failure === "timeout" ? "hang" : "crash";
}

/**
 * What the caller of an MCP request is told.
 *
 * @param ended why the host has ended the generation, where it has
 */
export function callError(id: string, error: RpcError, deadlineMs: number, ended?: RestartReason): BulkheadError {
	switch (error.failure) {
		case "timeout":
			return new BulkheadError("CALL_TIMEOUT", `${id} did not answer within ${deadlineMs} ms`, { cause: error });
		case "cancelled":
			return new BulkheadError("CALL_CANCELLED", `the call to ${id} was cancelled: ${error.message}`, { cause: error });
		case "closed":
			return new BulkheadError(
				ended !== undefined && HANGS.has(ended) ? "MODULE_HUNG" : "MODULE_CRASHED",
				`${id} ended while it ran this call: ${error.message}`,
				{ cause: error },
			);
		case "violation":
			return new BulkheadError("PROTOCOL_VIOLATION", `${id} gave an answer that cannot be used: ${error.message}`, {
				cause: error,
			});
		case "remote": {
			const code = error.remote?.code === RESULT_TOO_LARGE ? "RESULT_TOO_LARGE" : "MODULE_CRASHED";
			return new BulkheadError(code, `${id} failed: ${error.message}`, { cause: error });
		}
	}
}

/** Its event loop stood still, or it could not be told to leave a request. */
const HANGS: ReadonlySet<RestartReason> = new Set(["hang", "call_timeout", "collect_timeout"]);

/** Why a module has no new samples. */
export function collectError(id: string, error: RpcError): BulkheadError {
	const code =
		error.failure === "timeout" ? "COLLECT_TIMEOUT" : error.failure === "remote" ? "COLLECT_FAILED" : "MODULE_CRASHED";
	return new BulkheadError(code, `${id}: ${error.message}`, { cause: error });
}
