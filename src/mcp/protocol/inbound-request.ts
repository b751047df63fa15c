import type { IncomingMessage } from "node:http";
import {
	classifyInboundRequest,
	isInitializeRequest,
	PROTOCOL_VERSION_META_KEY,
	SUPPORTED_PROTOCOL_VERSIONS,
} from "@modelcontextprotocol/server";
import { header } from "./http-exchange.ts";
import { isRecord } from "../../../workers/wire/json.ts";

/** Era by the SDK's rules, save for what plainly is a call of the one or the other. */
export function isModern(request: IncomingMessage, body: unknown): boolean {
	const protocolVersionHeader = header(request, "mcp-protocol-version");
	if (isRecord(body) && body["method"] === "tools/call" && isRecord(body["params"])) {
		const claims = isRecord(body["params"]["_meta"]) && PROTOCOL_VERSION_META_KEY in body["params"]["_meta"];
		const names = protocolVersionHeader === MODERN_REVISION;
		if (claims === names && typeof body["id"] === "number") return claims;
	}
	const mcpMethodHeader = header(request, "mcp-method");
	const mcpNameHeader = header(request, "mcp-name");
	const outcome = classifyInboundRequest({
		httpMethod: request.method ?? "GET",
		body,
		...(protocolVersionHeader !== undefined && { protocolVersionHeader }),
		...(mcpMethodHeader !== undefined && { mcpMethodHeader }),
		...(mcpNameHeader !== undefined && { mcpNameHeader }),
	});
	return outcome.kind !== "legacy";
}

/** Whether the headers of a 2026-07-28 call say just what its body says; what does not is for the SDK to refuse. */
export function hasModernHeaders(request: IncomingMessage, { params }: ToolCallMessage): boolean {
	const { _meta: envelope } = params;
	return (
		header(request, "mcp-protocol-version") === MODERN_REVISION &&
		isRecord(envelope) &&
		envelope[PROTOCOL_VERSION_META_KEY] === MODERN_REVISION &&
		header(request, "mcp-method") === "tools/call" &&
		header(request, "mcp-name") === params.name &&
		isJson(request)
	);
}

/** Whether the headers are those that every 2025-era client sends; anything else is for the SDK to refuse, or to understand. */
export function hasLegacyHeaders(request: IncomingMessage): boolean {
	const version = header(request, "mcp-protocol-version");
	return (version === undefined || LEGACY_VERSIONS.has(version)) && isJson(request) && acceptsBoth(request);
}

/**
 * Why a body may not be a JSON-RPC batch; undefined if it is none, or may. Of MCP's revisions 2025-03-26 alone has batches.
 *
 * @param version of the session, or what the request names; a request that names none is taken to speak 2025-03-26
 */
export function batchProblem(body: unknown, version = BATCH_REVISION): string | undefined {
	if (!Array.isArray(body)) return undefined;
	if (version !== BATCH_REVISION)
		return `Invalid Request: ${version.slice(0, 20)} has no JSON-RPC batches; send one message a request`;
	if (body.length === 0) return "Invalid Request: the batch is empty";
	if (body.length > MAX_BATCH) return `Invalid Request: a batch has at most ${MAX_BATCH} messages`;
	const broken = body.findIndex((message) => !isMessage(message));
	return broken < 0 ? undefined : `Invalid Request: member ${broken} of the batch is no JSON-RPC message; none was run`;
}

const BATCH_REVISION = "2025-03-26";
const MAX_BATCH = 100;

function isMessage(message: unknown): boolean {
	if (!isRecord(message) || message["jsonrpc"] !== "2.0") return false;
	if (typeof message["method"] === "string") return true;
	return "id" in message && ("result" in message || "error" in message);
}

/** Whether a body opens a 2025-era session. */
export function opensSession(body: unknown): boolean {
	return isRecord(body) && body["method"] === "initialize" && isInitializeRequest(body);
}

/** The parameters of a message of that method; undefined for any other. */
export function paramsOf(body: unknown, method: string): Readonly<Record<string, unknown>> | undefined {
	return isRecord(body) && body["method"] === method && isRecord(body["params"]) ? body["params"] : undefined;
}

/** The id of a single request; undefined for notifications, answers and batches, which nobody waits for or which have several. */
export function requestIdOf(body: unknown): string | number | undefined {
	if (!isRecord(body) || typeof body["method"] !== "string") return undefined;
	const { id } = body;
	return typeof id === "string" || typeof id === "number" ? id : undefined;
}

export function wantsProgress(body: unknown): boolean {
	if (!isRecord(body) || !isRecord(body["params"]) || !isRecord(body["params"]["_meta"])) return false;
	return body["params"]["_meta"]["progressToken"] !== undefined;
}

const MODERN_REVISION = "2026-07-28";
const LEGACY_VERSIONS: ReadonlySet<string> = new Set(
	SUPPORTED_PROTOCOL_VERSIONS.filter((version) => version < MODERN_REVISION),
);

/** Without parameters, or with the one that everybody sends. */
function isJson(request: IncomingMessage): boolean {
	const type = header(request, "content-type");
	return type === "application/json" || type === "application/json; charset=utf-8";
}

function acceptsBoth(request: IncomingMessage): boolean {
	const accept = header(request, "accept") ?? "";
	return accept.includes("application/json") && accept.includes("text/event-stream");
}

/** A `tools/call` whose parameters hold nothing that only the SDK can deal with. */
export interface ToolCallMessage {
	readonly id: string | number;
	readonly params: Readonly<Record<string, unknown>> & { readonly name: string };
}

/** Narrows a parsed body to a call that may be answered directly. */
export function asToolCall(body: unknown): ToolCallMessage | undefined {
	if (!isRecord(body) || body["method"] !== "tools/call" || body["jsonrpc"] !== "2.0") return undefined;
	const { id, params } = body;
	if (typeof id !== "string" && !(typeof id === "number" && Number.isInteger(id))) return undefined;
	if (!isRecord(params) || typeof params["name"] !== "string") return undefined;
	if (params["arguments"] !== undefined && !isRecord(params["arguments"])) return undefined;
	if (params["_meta"] !== undefined && !isRecord(params["_meta"])) return undefined;
	// A later round of a call that asked for input: its state is checked on the general way.
	if ("requestState" in params || "inputResponses" in params) return undefined;
	for (const key in body) if (!MESSAGE_KEYS.has(key)) return undefined;
	return { id, params: params as ToolCallMessage["params"] };
}

const MESSAGE_KEYS: ReadonlySet<string> = new Set(["jsonrpc", "id", "method", "params"]);
