import { ProtocolError, ProtocolErrorCode, Server, type ServerContext } from "@modelcontextprotocol/server";
import { type Era, isRecord, parseJson } from "../../workers/protocol.ts";
import { assertNever, BulkheadError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { Catalog } from "./catalog.ts";

/** The requests that a module answers. */
export type ForwardedMethod = "tools/call" | "prompts/get" | "resources/read" | "completion/complete";

export interface GatewayOptions {
	readonly host: Pick<Host, "call">;
	readonly catalog: Catalog;
	readonly serverInfo: { readonly name: string; readonly version: string };
	readonly callTimeoutMs: number;
	/** Called when a request begins; what it returns is called when it ends. */
	readonly observe: (request: ObservedRequest) => (outcome: RequestOutcome) => void;
	/** What went wrong beside the answer: a notification that could not be sent, say. */
	readonly onError: (error: Error) => void;
}

export interface ObservedRequest {
	readonly method: ForwardedMethod;
	/** The registered name of the tool or prompt; undefined when no module has it. */
	readonly name: string | undefined;
}
export type RequestOutcome =
	| { readonly status: "success"; readonly bytes: number }
	| { readonly status: "error"; readonly errorType: RequestErrorType };
/** The fixed list of the label `error_type`. */
export type RequestErrorType =
	| "not_found"
	| "tool_error"
	| "protocol_error"
	| "timeout"
	| "cancelled"
	| "unavailable"
	| "crashed"
	| "too_large"
	| "internal";

export interface ForwardOptions {
	readonly signal?: AbortSignal;
	/** Progress and log messages of the running request. */
	readonly onNotification?: (notification: RelatedNotification) => void;
}
export interface RelatedNotification {
	readonly method: "notifications/progress" | "notifications/message";
	readonly params: Readonly<Record<string, unknown>>;
}

/** Answers MCP requests: lists from the catalog, everything else in the worker of the module that owns the name. */
export interface Gateway {
	/** A server for one request or one session of the era, without a module's code in it. */
	createServer(era: Era): Server;
	/** @throws {ProtocolError} with a code, and in `data` what the client can do */
	request(
		era: Era,
		method: ForwardedMethod,
		params: Readonly<Record<string, unknown>>,
		options: ForwardOptions,
	): Promise<Record<string, unknown>>;
}

export function createGateway(options: GatewayOptions): Gateway {
	const { host, catalog, observe } = options;

	/** The modules to ask, in order. More than one only where templates overlap. */
	function ownersOf(method: ForwardedMethod, params: Readonly<Record<string, unknown>>): readonly string[] {
		switch (method) {
			case "tools/call":
				return single(catalog.owner("tools", String(params["name"])));
			case "prompts/get":
				return single(catalog.owner("prompts", String(params["name"])));
			case "resources/read": {
				const uri = String(params["uri"]);
				return [...single(catalog.owner("resources", uri)), ...catalog.templateOwners(uri)];
			}
			case "completion/complete": {
				const ref = isRecord(params["ref"]) ? params["ref"] : {};
				if (ref["type"] === "ref/prompt") return single(catalog.owner("prompts", String(ref["name"])));
				const uri = String(ref["uri"]);
				return single(catalog.owner("resourceTemplates", uri) ?? catalog.owner("resources", uri));
			}
			default:
				return assertNever(method);
		}
	}

	const request: Gateway["request"] = async (era, method, params, forward) => {
		const owners = ownersOf(method, params);
		const name = owners.length > 0 && typeof params["name"] === "string" ? params["name"] : undefined;
		const ended = observe({ method, name });
		try {
			const { result, bytes } = await firstAnswer(owners, era, method, params, forward);
			ended(result["isError"] === true ? { status: "error", errorType: "tool_error" } : { status: "success", bytes });
			return result;
		} catch (error) {
			const failure = toFailure(error);
			ended({ status: "error", errorType: failure.errorType });
			throw failure.error;
		}
	};

	async function firstAnswer(
		owners: readonly string[],
		era: Era,
		method: ForwardedMethod,
		params: Readonly<Record<string, unknown>>,
		forward: ForwardOptions,
	): Promise<ForwardedResult> {
		let notFound: unknown = new NotFound(notFoundError(method, params));
		for (const owner of owners) {
			try {
				return await ask(owner, era, method, params, forward);
			} catch (error) {
				if (method !== "resources/read" || !isNotFound(error)) throw error;
				notFound = error; // another module's template may match
			}
		}
		throw notFound;
	}

	async function ask(
		owner: string,
		era: Era,
		method: ForwardedMethod,
		params: Readonly<Record<string, unknown>>,
		{ signal, onNotification }: ForwardOptions,
	): Promise<ForwardedResult> {
		const { json } = await host.call(
			owner,
			{ era, method, params },
			{
				deadlineMs: options.callTimeoutMs,
				...(signal !== undefined && { signal }),
				...(onNotification !== undefined && { onEmitted: (text) => relay(text, params, onNotification) }),
			},
		);
		const answer = parseJson(json);
		if (isRecord(answer) && isRecord(answer["result"])) return { result: { ...answer["result"] }, bytes: json.length };
		throw errorOf(isRecord(answer) ? answer["error"] : undefined);
	}

	function createServer(era: Era): Server {
		const server = new Server({ ...options.serverInfo }, { capabilities: CAPABILITIES });
		server.onerror = options.onError;
		server.setRequestHandler("tools/list", () => ({ tools: catalog.list("tools", era) }) as never);
		server.setRequestHandler("prompts/list", () => ({ prompts: catalog.list("prompts", era) }) as never);
		server.setRequestHandler("resources/list", () => ({ resources: catalog.list("resources", era) }) as never);
		server.setRequestHandler(
			"resources/templates/list",
			() => ({ resourceTemplates: catalog.list("resourceTemplates", era) }) as never,
		);
		for (const method of FORWARDED_METHODS) {
			server.setRequestHandler(method, (incoming, context) => forwardIncoming(era, method, incoming, context) as never);
		}
		return server;
	}

	function forwardIncoming(
		era: Era,
		method: ForwardedMethod,
		incoming: { readonly params?: object | undefined },
		{ mcpReq }: ServerContext,
	): Promise<Record<string, unknown>> {
		// The SDK has taken the 2026-07-28 envelope out of `_meta` and the client's input out of the parameters;
		// the module's own server expects them where the client put them.
		const requestState: unknown = mcpReq.requestState();
		const params = {
			...incoming.params,
			_meta: { ...mcpReq._meta, ...mcpReq.envelope },
			...(mcpReq.inputResponses !== undefined && { inputResponses: mcpReq.inputResponses }),
			...(requestState !== undefined && { requestState }),
		};
		return request(era, method, params, {
			signal: mcpReq.signal,
			onNotification: (notification) => {
				mcpReq.notify(notification as never).catch(options.onError);
			},
		});
	}

	return { createServer, request };
}

interface ForwardedResult {
	readonly result: Record<string, unknown>;
	readonly bytes: number;
}

const CAPABILITIES = {
	tools: { listChanged: true },
	prompts: { listChanged: true },
	resources: { listChanged: true, subscribe: true },
	completions: {},
	logging: {},
};
const FORWARDED_METHODS = [
	"tools/call",
	"prompts/get",
	"resources/read",
	"completion/complete",
] as const satisfies readonly ForwardedMethod[];

function single(owner: string | undefined): readonly string[] {
	return owner === undefined ? [] : [owner];
}

/** Passes on what belongs to this request and nothing else: a module cannot report progress for another's. */
function relay(
	text: string,
	params: Readonly<Record<string, unknown>>,
	onNotification: (notification: RelatedNotification) => void,
): void {
	const notification = parseJson(text);
	if (!isRecord(notification) || !isRecord(notification["params"])) return;
	const { method } = notification;
	if (method === "notifications/message") onNotification({ method, params: notification["params"] });
	const token = isRecord(params["_meta"]) ? params["_meta"]["progressToken"] : undefined;
	if (method === "notifications/progress" && token !== undefined) {
		onNotification({ method, params: { ...notification["params"], progressToken: token } });
	}
}

/** Marks a protocol error as "nobody has this", which the counters tell apart. */
class NotFound extends Error {
	readonly protocolError: ProtocolError;

	constructor(protocolError: ProtocolError) {
		super(protocolError.message);
		this.protocolError = protocolError;
	}
}

function notFoundError(method: ForwardedMethod, params: Readonly<Record<string, unknown>>): ProtocolError {
	if (method === "resources/read") {
		const uri = String(params["uri"]);
		return new ProtocolError(ProtocolErrorCode.InvalidParams, `Resource not found: ${uri}`, { uri });
	}
	const what = method === "tools/call" ? "Tool" : method === "prompts/get" ? "Prompt" : "Completion reference";
	const name = typeof params["name"] === "string" ? ` ${params["name"]}` : "";
	return new ProtocolError(ProtocolErrorCode.InvalidParams, `${what}${name} not found`);
}

function isNotFound(error: unknown): boolean {
	return error instanceof ProtocolError && (error.code === ProtocolErrorCode.InvalidParams || error.code === -32002);
}

/** A JSON-RPC error that the module answered with. Its code and data are the module's own. */
function errorOf(error: unknown): ProtocolError {
	if (!isRecord(error) || typeof error["message"] !== "string" || !Number.isSafeInteger(error["code"])) {
		return new ProtocolError(ProtocolErrorCode.InternalError, "the module gave an answer that is no JSON-RPC response");
	}
	return new ProtocolError(error["code"] as number, error["message"], error["data"]);
}

function toFailure(error: unknown): { readonly error: Error; readonly errorType: RequestErrorType } {
	if (error instanceof NotFound) return { error: error.protocolError, errorType: "not_found" };
	if (error instanceof ProtocolError) return { error, errorType: "protocol_error" };
	if (!(error instanceof BulkheadError)) throw error;
	const { errorType, retryable } = describeHostError(error);
	const data = { code: error.code, retryable };
	return { error: new ProtocolError(ProtocolErrorCode.InternalError, error.message, data), errorType };
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
		case "MODULE_UNAVAILABLE":
		case "MODULE_BUSY":
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
