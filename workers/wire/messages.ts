import type { LogLevel } from "../contract.ts";
import type { SandboxDto } from "../sandbox/policy.ts";
import {
	arrayOf,
	bufferOf,
	createList,
	isArray,
	isArrayBuffer,
	isUint8Array,
	namesOf,
} from "../primordials/primordials.ts";
import { readWireError, type WireErrorDto } from "./wire-error.ts";
import { isRecord, isDuration, isId, isText } from "./json.ts";
import { type Era, MAX_CATALOG_LENGTH } from "./catalog.ts";

/**
 * Every message between the host and a module's worker. One port per generation; the host asks, the worker acknowledges
 * and answers each request exactly once. What comes from a worker is `unknown` until `readWorkerMessage` and the
 * `read…` functions below have checked it.
 */
export interface RequestMap {
	/** Load the bundle, run `start()`, and say what the module offers. */
	readonly start: { readonly params: StartDto; readonly result: StartedDto };
	/** Run `process()` and hand over a snapshot of the module's registries. */
	readonly collect: { readonly params: CollectDto; readonly result: CollectedDto };
	/** One MCP request, answered by the module's `McpServer`. */
	readonly call: { readonly params: CallDto; readonly result: AnswerDto };
	/** Answered at once by a worker whose event loop turns. */
	readonly ping: { readonly params: null; readonly result: null };
	/** Run `stop()`; the worker ends after it has answered. */
	readonly stop: { readonly params: null; readonly result: null };
}
export type RequestType = keyof RequestMap;

export type RequestMessage = {
	[Type in RequestType]: { readonly type: Type; readonly id: number; readonly params: RequestMap[Type]["params"] };
}[RequestType];

export type HostMessage =
	| RequestMessage
	/** To a thread, before anything else: where it notes which request it has begun last, in place of `acked`. */
	| { readonly type: "sharing"; readonly begun: SharedArrayBuffer }
	| { readonly type: "cancel"; readonly id: number; readonly reason: string }
	/** What the client of a running call said to an `asked`: JSON text of `{result}` or `{error}`. */
	| { readonly type: "answered"; readonly id: number; readonly ask: number; readonly json: string }
	/** How far the client is with an `asked`, where the module wants to know: JSON text of the progress. */
	| { readonly type: "progressed"; readonly id: number; readonly ask: number; readonly json: string };

export type WorkerMessage =
	/** Has begun; only from a process, which shares no memory. */
	| { readonly type: "acked"; readonly id: number }
	| { readonly type: "done"; readonly id: number; readonly result: unknown }
	| { readonly type: "failed"; readonly id: number; readonly error: WireErrorDto }
	/** An MCP notification that belongs to a running call: JSON text of `{method, params}`. */
	| { readonly type: "emitted"; readonly id: number; readonly json: string }
	/** A request to the client of a running call (sampling, elicitation, roots): JSON text of `{method, params}`. */
	| { readonly type: "asked"; readonly id: number; readonly ask: number; readonly json: string }
	/** The module no longer waits for the answer to an `asked`. */
	| { readonly type: "withdrawn"; readonly id: number; readonly ask: number }
	/** The module's lists changed: JSON text of a `CatalogDto`. */
	| { readonly type: "relisted"; readonly json: string }
	| { readonly type: "updated"; readonly uri: string }
	/** An MCP notification for the session of a call that has ended: JSON text of `{method, params}`, or `TOO_LONG`. */
	| { readonly type: "pushed"; readonly session: string; readonly json: string }
	/** A task of the module has another status. The host asks for it where somebody listens. */
	| { readonly type: "taskChanged"; readonly taskId: string }
	| ({ readonly type: "logged" } & LoggedDto);

/** A line for the host's log. */
export interface LoggedDto {
	readonly level: LogLevel;
	readonly text: string;
	/** Number of the request whose code has written it. */
	readonly during?: number;
	/** JSON text of an object. */
	readonly fields?: string;
	readonly error?: WireErrorDto;
	/** The runtime writes it for the module: a handler of the module threw `error`, and `text` is which. */
	readonly isFailure?: boolean;
}

/** What a worker sends without being asked. */
export type NoticeMessage = Extract<
	WorkerMessage,
	{ type: "relisted" | "updated" | "pushed" | "taskChanged" | "logged" }
>;

/** What a thread is made with. */
export interface ThreadDataDto {
	/** By the name of the script: what V8 has made of it in another thread, which spares this one the compiling. */
	readonly compiledCode: CompiledCodeDto;
}
export type CompiledCodeDto = Readonly<Record<string, Uint8Array>>;

export interface StartDto {
	readonly moduleId: string;
	/** Absolute path of the compiled bundle, the only file of the module that a worker reads. */
	readonly bundlePath: string;
	/** Absolute paths of the metrics client libraries that the bundle imports. */
	readonly clientPaths: readonly string[];
	/** Absolute paths of libraries of the host's own that the bundle imports: loaded before the worker is locked. */
	readonly trustedPaths: readonly string[];
	/** URLs of files of the host's own packages, each with the URL of what the worker has in its place. */
	readonly redirects: Readonly<Record<string, string>>;
	readonly sandbox: SandboxDto;
	/** How the host introduces itself to MCP clients; the module's `McpServer` carries the same identity. */
	readonly serverInfo: { readonly name: string; readonly version: string };
	readonly limits: { readonly maxResultBytes: number; readonly maxSnapshotBytes: number; readonly maxSamples: number };
}

export interface StartedDto {
	/** Whether there is anything to collect: a `process()` to run, or a registry of a metrics client. */
	readonly collects: boolean;
	/** What a metric module asks for in `options`, in milliseconds. */
	readonly intervalMs?: number;
	readonly timeoutMs?: number;
	/** Whether it is collected when it is scraped, and not at intervals. */
	readonly onScrape?: boolean;
	/** What its counters are, where the module says so itself. */
	readonly counters?: CounterMode;
	/** JSON text of a `CatalogDto`; MCP modules only. */
	readonly catalog?: string;
}

/** `absolute`: totals of another system, which the module mirrors. `cumulative`: counts that begin with each worker. */
export type CounterMode = "absolute" | "cumulative";

export function isCounterMode(value: unknown): value is CounterMode {
	return value === "absolute" || value === "cumulative";
}

export interface CollectDto {
	readonly timeoutMs: number;
}
export interface CollectedDto {
	/** The snapshot, as `workers/snapshot/encode-snapshot.ts` writes it; undefined when the module has no metrics client. */
	readonly snapshot?: Uint8Array;
	/** Why metrics are missing from it; of the first few. */
	readonly failures?: readonly MetricFailureDto[];
	/** Names of those that are missing. */
	readonly missing?: readonly string[];
}

/** A metric whose own `collect()` failed. */
export interface MetricFailureDto {
	readonly metric: string;
	readonly error: WireErrorDto;
}

/** Most failures of one collection that are told with their error. */
const MAX_METRIC_FAILURES = 10;
const MAX_MISSING_METRICS = 1000;
const MAX_METRIC_NAME = 256;

export function boundFailures(
	failures: readonly MetricFailureDto[],
): Required<Pick<CollectedDto, "failures" | "missing">> {
	return {
		failures: failures.slice(0, MAX_METRIC_FAILURES),
		missing: failures.slice(0, MAX_MISSING_METRICS).map(({ metric }) => metric),
	};
}

export interface CallDto {
	readonly era: Era;
	readonly method: string;
	/** JSON text of an object: text is copied from thread to thread several times faster than the objects in it. */
	readonly params: string;
	/** Whose session the call belongs to; 2025 era only, and only with a session. */
	readonly client?: ClientDto;
	/** What the host knows about who called, as the SDK's `AuthInfo` without the token itself. */
	readonly authInfo?: AuthDto;
}

export interface ClientDto {
	/** Tells sessions apart; made from the session's id, which is a credential and stays in main. */
	readonly session: string;
	/** Whether it comes back to an event stream that was closed, as 2025-11-25 says. */
	readonly resumable: boolean;
	/** JSON text of a `ClientKindDto`. Clients that said the same have the same text. */
	readonly kind: string;
}

/** What a client said of itself when it opened its session. */
export interface ClientKindDto {
	readonly protocolVersion: string;
	readonly info: Readonly<Record<string, unknown>>;
	readonly capabilities: Readonly<Record<string, unknown>>;
}

export interface AuthDto {
	readonly clientId: string;
	readonly scopes: readonly string[];
	readonly extra?: Readonly<Record<string, unknown>>;
}

/** The `code` of a failed `call` whose answer was longer than the limit. */
export const RESULT_TOO_LARGE = "RESULT_TOO_LARGE";

/** The text of a JSON-RPC response without its envelope: `{"result": …}` or `{"error": …}`. */
export interface AnswerDto {
	readonly json: string;
}

/** Where a server and a client declare the tasks extension (SEP-2663), among the extensions of their capabilities. */
export const TASKS_EXTENSION = "io.modelcontextprotocol/tasks";

/** How the extension tells a client of the state of a task. */
export const TASK_NOTIFICATION = "notifications/tasks";
/** Longest URI of a resource, in characters, that a module may say is another now. */
export const MAX_URI_LENGTH = 8192;
/** Longest id of a task, in characters. */
export const MAX_TASK_ID_LENGTH = 256;

/** Longest log line, in characters, that leaves a worker. */
export const MAX_LOG_LENGTH = 8192;
/** Longest JSON text of the fields of a log line. */
export const MAX_LOG_FIELDS_LENGTH = 8192;
/**
 * An `emitted` method that is meant for the host: the module asks to close the event stream of its call, or with
 * `{standalone: true}` that of its session, so that the client comes back for what follows (SEP-1699).
 */
export const CLOSE_STREAM = "bulkhead/close_stream";
/** Longest emitted notification, in characters of JSON. */
export const MAX_EMITTED_LENGTH = 1 << 18;
/** Longest notification, in characters of JSON, for the session of a call that has ended. */
export const MAX_PUSHED_LENGTH = 1 << 16;
/** Sent in place of one that is longer, which the host then counts. */
export const TOO_LONG = "";
/** Longest `ClientDto.session`. */
export const MAX_SESSION_LENGTH = 64;
/** What a module may send to a session outside of a call. */
export const PUSHED_METHODS = ["notifications/message", "notifications/elicitation/complete"] as const;
/** What a client says to a session, and modules that the session has called may hear: sent as a `call`, since they may ask back. */
export const ROOTS_CHANGED = "notifications/roots/list_changed";
/** Requests to its client that one call may have open at a time. */
export const MAX_OPEN_ASKS = 16;

const LOG_LEVELS = namesOf(["debug", "info", "warn", "error"] satisfies LogLevel[]);

/** Checks the envelope of what came from a worker. Undefined means that it is no message of this protocol. */
export function readWorkerMessage(value: unknown): WorkerMessage | undefined {
	if (!isRecord(value)) return undefined;
	switch (value["type"]) {
		case "acked":
			return isId(value["id"]) ? { type: "acked", id: value["id"] } : undefined;
		case "done":
			return isId(value["id"]) ? { type: "done", id: value["id"], result: value["result"] } : undefined;
		case "failed":
			return isId(value["id"]) ? { type: "failed", id: value["id"], error: readWireError(value["error"]) } : undefined;
		case "emitted":
			return isId(value["id"]) && isText(value["json"], MAX_EMITTED_LENGTH)
				? { type: "emitted", id: value["id"], json: value["json"] }
				: undefined;
		case "asked":
			return isId(value["id"]) && isId(value["ask"]) && isText(value["json"], MAX_EMITTED_LENGTH)
				? { type: "asked", id: value["id"], ask: value["ask"], json: value["json"] }
				: undefined;
		case "withdrawn":
			return isId(value["id"]) && isId(value["ask"])
				? { type: "withdrawn", id: value["id"], ask: value["ask"] }
				: undefined;
		case "relisted":
			return isText(value["json"], MAX_CATALOG_LENGTH) ? { type: "relisted", json: value["json"] } : undefined;
		case "updated":
			return isText(value["uri"], MAX_URI_LENGTH) ? { type: "updated", uri: value["uri"] } : undefined;
		case "pushed":
			return isText(value["session"], MAX_SESSION_LENGTH) && isText(value["json"], MAX_PUSHED_LENGTH)
				? { type: "pushed", session: value["session"], json: value["json"] }
				: undefined;
		case "taskChanged":
			return isText(value["taskId"], MAX_TASK_ID_LENGTH) ? { type: "taskChanged", taskId: value["taskId"] } : undefined;
		case "logged":
			return readLogged(value);
		default:
			return undefined;
	}
}

function readLogged(value: Readonly<Record<string, unknown>>): WorkerMessage | undefined {
	const { level, text, during, fields, error, isFailure } = value;
	if (typeof level !== "string" || !(level in LOG_LEVELS) || !isText(text, MAX_LOG_LENGTH)) return undefined;
	return {
		type: "logged",
		level: level as LogLevel,
		text,
		...(isId(during) && { during }),
		...(isText(fields, MAX_LOG_FIELDS_LENGTH) && { fields }),
		...(error !== undefined && { error: readWireError(error) }),
		...(isFailure === true && { isFailure }),
	};
}

export function readStarted(value: unknown): StartedDto | undefined {
	if (!isRecord(value)) return undefined;
	const { collects, intervalMs, timeoutMs, onScrape, counters, catalog } = value;
	if (typeof collects !== "boolean") return undefined;
	if (intervalMs !== undefined && !isDuration(intervalMs)) return undefined;
	if (timeoutMs !== undefined && !isDuration(timeoutMs)) return undefined;
	if (onScrape !== undefined && typeof onScrape !== "boolean") return undefined;
	if (counters !== undefined && !isCounterMode(counters)) return undefined;
	if (catalog !== undefined && !isText(catalog, MAX_CATALOG_LENGTH)) return undefined;
	return {
		collects,
		...(intervalMs !== undefined && { intervalMs }),
		...(timeoutMs !== undefined && { timeoutMs }),
		...(onScrape !== undefined && { onScrape }),
		...(counters !== undefined && { counters }),
		...(catalog !== undefined && { catalog }),
	};
}

export function readCollected(value: unknown): CollectedDto | undefined {
	if (!isRecord(value)) return undefined;
	const { snapshot, failures, missing } = value;
	if (snapshot === undefined) return {};
	// One that other threads go on writing to would say something else each time that it is read.
	if (!isUint8Array(snapshot) || !isArrayBuffer(bufferOf(snapshot))) return undefined;
	if (failures === undefined) return { snapshot };
	if (!isList(failures, MAX_METRIC_FAILURES) || !isList(missing, MAX_MISSING_METRICS)) return undefined;
	return {
		snapshot,
		failures: pick(failures, readMetricFailure),
		missing: pick(missing, (name) => (isText(name, MAX_METRIC_NAME) ? name : undefined)),
	};
}

/** What can be read of a list's items, in a list of its own. */
function pick<Item>(list: readonly unknown[], readItem: (value: unknown) => Item | undefined): readonly Item[] {
	const items = createList<Item>();
	for (let index = 0; index < list.length; index++) {
		const item = readItem(list[index]);
		if (item !== undefined) items[items.length] = item;
	}
	return arrayOf(items);
}

function isList(value: unknown, maxLength: number): value is readonly unknown[] {
	return isArray(value) && value.length <= maxLength;
}

function readMetricFailure(value: unknown): MetricFailureDto | undefined {
	if (!isRecord(value) || !isText(value["metric"], MAX_METRIC_NAME)) return undefined;
	return { metric: value["metric"], error: readWireError(value["error"]) };
}

/** @param maxLength longest accepted answer in characters, which is never more than its bytes */
export function readAnswer(value: unknown, maxLength: number): AnswerDto | undefined {
	return isRecord(value) && isText(value["json"], maxLength) ? { json: value["json"] } : undefined;
}
