import { ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import { BulkheadError } from "../../core/errors.ts";
import { isRecord } from "../../../workers/wire/json.ts";

/** "Resource not found", up to 2025-11-25. Later revisions have -32602 for it. */
export const RESOURCE_NOT_FOUND = -32_002;
/** How both SDKs, and this host, begin to say that there is no such resource. */
export const NOT_FOUND_TEXT = "Resource not found";

/** The fixed list of the label `error_type`. */
export type RequestErrorType =
	/** Arguments that the schema of the tool refuses. */
	| "validation_error"
	/** `isError`, or thrown. */
	| "tool_error"
	| "not_found"
	| "protocol_error"
	| "timeout"
	| "cancelled"
	| "unavailable"
	| "crashed"
	| "hang"
	| "too_large"
	| "queue_full"
	| "forbidden"
	| "internal";

/** What a client is told about a request without a result, and what it is counted as. */
export interface RequestFailure {
	readonly error: ProtocolError;
	readonly errorType: RequestErrorType;
}

/** @throws what is neither an error of the protocol nor one of the host: a fault in the host */
export function requestFailure(error: unknown): RequestFailure {
	if (error instanceof NotFound) return { error: error.protocolError, errorType: "not_found" };
	if (error instanceof ProtocolError) return { error, errorType: "protocol_error" };
	if (!(error instanceof BulkheadError)) throw error;
	const { errorType, retryable } = describeHostError(error);
	const data = { code: error.code, retryable };
	return { error: new ProtocolError(ProtocolErrorCode.InternalError, error.message, data), errorType };
}

/** A protocol error that means "nobody has this", which the counters tell apart. */
export class NotFound extends Error {
	readonly protocolError: ProtocolError;

	constructor(method: string, params: Readonly<Record<string, unknown>>) {
		const protocolError = notFoundError(method, params);
		super(protocolError.message);
		this.protocolError = protocolError;
	}
}

/** Whether a module says that it has no such thing, so that another one with a matching template may be asked. */
export function isNotFound(error: unknown): boolean {
	return (
		error instanceof ProtocolError &&
		(error.code === ProtocolErrorCode.InvalidParams || error.code === RESOURCE_NOT_FOUND)
	);
}

/** A JSON-RPC error that the module answered with. Its code and data are the module's own. */
export function moduleError(error: unknown): ProtocolError {
	if (!isRecord(error) || typeof error["message"] !== "string" || !Number.isSafeInteger(error["code"])) {
		return new ProtocolError(ProtocolErrorCode.InternalError, "the module gave an answer that is no JSON-RPC response");
	}
	return new ProtocolError(error["code"] as number, error["message"], error["data"]);
}

function notFoundError(method: string, params: Readonly<Record<string, unknown>>): ProtocolError {
	if (method === "resources/read") {
		const uri = shortened(params["uri"]);
		return new ProtocolError(ProtocolErrorCode.InvalidParams, `${NOT_FOUND_TEXT}: ${uri}`, { uri });
	}
	const what = KINDS[method] ?? "Completion reference";
	const name = typeof params["name"] === "string" ? ` ${shortened(params["name"])}` : "";
	return new ProtocolError(ProtocolErrorCode.InvalidParams, `${what}${name} not found`);
}

/**
 * What a result with `isError` is counted as. The SDK answers arguments that a tool's schema refuses in these words; a module
 * that says the same of itself is believed, since it is about its own tool alone.
 */
export function toolErrorType(result: Readonly<Record<string, unknown>>): RequestErrorType {
	const [first] = Array.isArray(result["content"]) ? (result["content"] as readonly unknown[]) : [];
	const text = isRecord(first) ? first["text"] : undefined;
	return typeof text === "string" && text.startsWith(INPUT_REFUSED) ? "validation_error" : "tool_error";
}

/** @modelcontextprotocol/server 2.4.0; a test of ours calls a tool with wrong arguments, and shows when the words change. */
const INPUT_REFUSED = "Input validation error";

/** What a request without an owner has asked for. */
const KINDS: Readonly<Record<string, string>> = {
	"tools/call": "Tool",
	"prompts/get": "Prompt",
	"tasks/get": "Task",
	"tasks/update": "Task",
	"tasks/cancel": "Task",
};
const MAX_ECHO = 200;

function shortened(text: unknown): string {
	return String(text).slice(0, MAX_ECHO);
}

function describeHostError(error: BulkheadError): {
	readonly errorType: RequestErrorType;
	readonly retryable: boolean;
} {
	switch (error.code) {
		case "CALL_TIMEOUT":
			return { errorType: "timeout", retryable: true };
		case "CALL_CANCELLED":
			return { errorType: "cancelled", retryable: true };
		case "MODULE_BUSY":
			return { errorType: "queue_full", retryable: true };
		case "MODULE_HUNG":
			return { errorType: "hang", retryable: false };
		case "MODULE_UNAVAILABLE":
		case "MODULE_NOT_FOUND":
			return { errorType: "unavailable", retryable: true };
		case "MODULE_CRASHED":
			return { errorType: "crashed", retryable: false };
		case "RESULT_TOO_LARGE":
			return { errorType: "too_large", retryable: false };
		default:
			return { errorType: "internal", retryable: false };
	}
}
