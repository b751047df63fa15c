/**
 * Errors that Bulkhead itself raises, as values with a code from a closed list.
 *
 * What went wrong inside a module reaches main as a `WireErrorDto` (workers/wire/wire-error.ts), never as one of these.
 */
export type ErrorCode =
	| "CONFIG_INVALID"
	| "MODULE_START_FAILED"
	| "MODULE_NOT_FOUND"
	| "MODULE_UNAVAILABLE"
	| "MODULE_CRASHED"
	| "MODULE_BUSY"
	| "MODULE_HUNG"
	| "CALL_TIMEOUT"
	| "CALL_CANCELLED"
	| "COLLECT_TIMEOUT"
	| "COLLECT_FAILED"
	| "PROTOCOL_VIOLATION"
	| "RESULT_TOO_LARGE"
	| "ILLEGAL_TRANSITION"
	| "PORT_IN_USE";

export class BulkheadError extends Error {
	override readonly name = "BulkheadError";
	readonly code: ErrorCode;

	constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}

/** The message of anything thrown, for a log line or an error text. Never throws itself. */
export function messageOf(thrown: unknown): string {
	if (thrown instanceof Error) return thrown.message;
	try {
		return String(thrown);
	} catch {
		return "a value that cannot be turned into text was thrown";
	}
}

/** The message with those of its causes: `fetch`, for one, says of itself only that it failed. */
export function withCauses(thrown: unknown): string {
	const said: string[] = [];
	for (let at = thrown; at !== undefined && said.length < MAX_CAUSES; at = at instanceof Error ? at.cause : undefined) {
		// Of several addresses that were tried, each has an error; the text of the whole is empty.
		const text =
			at instanceof AggregateError && at.message === "" ? at.errors.map(messageOf).join(", ") : messageOf(at);
		if (text !== "" && !said.includes(text)) said.push(text);
	}
	return said.join(": ");
}

const MAX_CAUSES = 5;

/** For the end of a switch over a discriminated union: a new member is a type error here. */
export function assertNever(value: never): never {
	throw new BulkheadError("PROTOCOL_VIOLATION", `unhandled case ${JSON.stringify(value)}`);
}
