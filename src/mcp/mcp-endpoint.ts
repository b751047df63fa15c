import type { IncomingMessage, ServerResponse } from "node:http";
import { NodeStreamableHTTPServerTransport, toNodeHandler } from "@modelcontextprotocol/node";
import {
	classifyInboundRequest,
	createMcpHandler,
	isInitializeRequest,
	PROTOCOL_VERSION_META_KEY,
	type Server,
	SUPPORTED_PROTOCOL_VERSIONS,
} from "@modelcontextprotocol/server";
import { type Era, isRecord, type ListName } from "../../workers/protocol.ts";
import type { Catalog } from "./catalog.ts";
import { asToolCall, serveDirectly, type ToolCallMessage } from "./direct-call.ts";
import type { CallOrigin, Gateway } from "./gateway.ts";
import { createProtocolServer, type SessionState } from "./protocol-server.ts";
import { acceptsStream, authOf, header, normaliseAccept, originOf, refuse } from "./http-exchange.ts";
import { paramHeaderProblem } from "./param-headers.ts";
import { createRequestStateSeal } from "./request-state.ts";
import { requestScope } from "./request-scope.ts";
import { createSessions, type Session } from "./sessions.ts";

/** MCP over Streamable HTTP, both eras on one route. */
export interface McpEndpoint {
	/** @param body the parsed JSON body; undefined for GET and DELETE */
	handle(request: IncomingMessage, response: ServerResponse, body: unknown): Promise<void>;
	/** Tells every client that asked, of either era, that lists have changed. */
	listsChanged(lists: ReadonlySet<ListName>): void;
	resourceUpdated(uri: string): void;
	close(): Promise<void>;
}

export interface McpEndpointOptions {
	readonly gateway: Gateway;
	readonly catalog: Catalog;
	readonly serverInfo: { readonly name: string; readonly version: string };
	readonly sessionMax: number;
	readonly sessionIdleTimeoutMs: number;
	/** Signs `requestState`: at least 32 bytes, the same for all replicas. Default: one that lasts as long as this process. */
	readonly requestStateKey?: string | Uint8Array;
	/** Whether tool calls may be answered without the SDK in between; `false` is for comparing. */
	readonly directCalls?: boolean;
	readonly onError: (error: Error) => void;
	/** Called with how many sessions are open, whenever that changes. */
	readonly onSessions: (count: number) => void;
}

export function createMcpEndpoint({ gateway, catalog, onError, ...options }: McpEndpointOptions): McpEndpoint {
	const direct = options.directCalls ?? true;
	const requestState = createRequestStateSeal(options.requestStateKey);
	const createServer = (era: Era, session?: SessionState): Server =>
		createProtocolServer({ gateway, catalog, requestState, onError, serverInfo: options.serverInfo }, era, session);
	const sessions = createSessions({
		createServer: (state) => createServer("legacy", state),
		max: options.sessionMax,
		idleTimeoutMs: options.sessionIdleTimeoutMs,
		now: () => performance.now(),
		onError,
		onCount: options.onSessions,
	});
	// The SDK answers the 2026-07-28 revision; `reject` since the 2025 era is served below, with and without sessions.
	const modern = createMcpHandler(() => createServer("modern"), { legacy: "reject", onerror: onError });
	const serveModern = toNodeHandler(modern, { onerror: onError });

	async function handleModern(exchange: Exchange): Promise<void> {
		const { request, response, body, origin } = exchange;
		const message = asToolCall(body);
		if (message !== undefined) {
			const problem = paramHeaderProblem(
				catalog.list("tools", "modern"),
				message.params.name,
				message.params["arguments"],
				(name) => header(request, name),
			);
			if (problem !== undefined) {
				return refuse(
					response,
					400,
					`Bad Request: the request headers and body disagree: ${problem}`,
					HEADER_MISMATCH,
					message.id,
				);
			}
		}
		if (message === undefined || !direct || !hasModernHeaders(request, message)) {
			return requestScope.run({ origin }, () => serveModern(request as never, response, body));
		}
		return serveDirectly(
			gateway,
			{
				era: "modern",
				message,
				origin,
				cancelOnClose: true,
				general: (takeCall) =>
					requestScope.run({ origin, takeCall }, () => serveModern(request as never, response, body)),
			},
			response,
		);
	}

	async function handleStateless(exchange: Exchange): Promise<void> {
		const { request, body, origin, response, streams } = exchange;
		const message = direct && hasLegacyHeaders(request) ? asToolCall(body) : undefined;
		if (message === undefined) {
			return requestScope.run({ origin }, () => serveStateless(exchange, streams && wantsProgress(body)));
		}
		return serveDirectly(
			gateway,
			{
				era: "legacy",
				message,
				origin,
				cancelOnClose: true,
				general: (takeCall, why) =>
					requestScope.run({ origin, takeCall }, () => serveStateless(exchange, streams && why === "streaming")),
			},
			response,
		);
	}

	/** A 2025-era request on its own: one server, one answer; an event stream only where something is to be streamed. */
	async function serveStateless({ request, response, body }: Exchange, stream: boolean): Promise<void> {
		const server = createServer("legacy");
		const transport = new NodeStreamableHTTPServerTransport({ enableJsonResponse: !stream });
		response.once("close", () => void server.close().catch(onError));
		await server.connect(transport);
		await transport.handleRequest(request, response, body);
	}

	async function handleSession(session: Session, sessionId: string, exchange: Exchange): Promise<void> {
		const { request, response, body, origin } = exchange;
		response.once("close", session.use());
		cancelDirectCall(session, body);
		const lastEventId = request.method === "GET" ? header(request, "last-event-id") : undefined;
		if (lastEventId !== undefined && !session.canResumeAfter(lastEventId)) {
			return refuse(response, 400, "This event is not kept: open a stream without Last-Event-ID");
		}
		const general = (takeCall?: Parameters<Parameters<typeof serveDirectly>[1]["general"]>[0]): Promise<void> =>
			requestScope.run({ origin, ...(takeCall !== undefined && { takeCall }) }, () =>
				session.transport.handleRequest(request, response, body),
			);
		const message = direct && request.method === "POST" && hasLegacyHeaders(request) ? asToolCall(body) : undefined;
		if (message === undefined || session.server.getNegotiatedProtocolVersion() === undefined) return general();
		const { id } = message;
		return serveDirectly(
			gateway,
			{
				era: "legacy",
				message,
				origin: session.origin(origin),
				sessionId,
				cancelOnClose: false,
				handOverAfterMs: HAND_OVER_AFTER_MS,
				general,
				onBegun: (call) => void session.directCalls.set(id, call),
				onEnded: () => void session.directCalls.delete(id),
			},
			response,
		);
	}

	async function openSession({ request, response, body, origin }: Exchange): Promise<void> {
		const session = await sessions.open(authOf(request)?.clientId);
		if (session === undefined) {
			response.setHeader("retry-after", "60");
			return refuse(response, 503, "Too many sessions are open: end one with DELETE, or try again later");
		}
		response.once("close", session.use());
		await requestScope.run({ origin }, () => session.transport.handleRequest(request, response, body));
		// A refused initialize leaves nothing behind.
		if (session.transport.sessionId === undefined) await session.transport.close();
	}

	return {
		async handle(request, response, body) {
			const streams = acceptsStream(request);
			normaliseAccept(request);
			const exchange: Exchange = { request, response, body, streams, origin: originOf(request) };
			const sessionId = header(request, "mcp-session-id");
			if (sessionId !== undefined) {
				const session = sessions.find(sessionId, authOf(request)?.clientId);
				if (session !== undefined) return handleSession(session, sessionId, exchange);
				return refuse(response, 404, "Session not found: initialize a new one", SESSION_NOT_FOUND);
			}
			if (isModern(request, body)) return handleModern(exchange);
			if (request.method !== "POST") return refuse(response, 405, "Method not allowed: GET and DELETE need a session");
			const opens = isRecord(body) && body["method"] === "initialize" && isInitializeRequest(body);
			return opens ? openSession(exchange) : handleStateless(exchange);
		},
		listsChanged(lists) {
			const tools = lists.has("tools");
			const prompts = lists.has("prompts");
			const resources = lists.has("resources") || lists.has("resourceTemplates");
			if (tools) modern.notify.toolsChanged();
			if (prompts) modern.notify.promptsChanged();
			if (resources) modern.notify.resourcesChanged();
			for (const { server } of sessions.all()) {
				if (tools) server.sendToolListChanged().catch(onError);
				if (prompts) server.sendPromptListChanged().catch(onError);
				if (resources) server.sendResourceListChanged().catch(onError);
			}
		},
		resourceUpdated(uri) {
			modern.notify.resourceUpdated(uri);
			for (const { server, subscriptions } of sessions.all()) {
				if (subscriptions.has(uri)) server.sendResourceUpdated({ uri }).catch(onError);
			}
		},
		async close() {
			await Promise.all([modern.close(), sessions.close()]);
		},
	};
}

interface Exchange {
	readonly request: IncomingMessage;
	readonly response: ServerResponse;
	readonly body: unknown;
	readonly origin: CallOrigin;
	/** Whether the client takes an event stream. */
	readonly streams: boolean;
}

const MODERN_REVISION = "2026-07-28";
const LEGACY_VERSIONS: ReadonlySet<string> = new Set(
	SUPPORTED_PROTOCOL_VERSIONS.filter((version) => version < MODERN_REVISION),
);
/** A call that is still running then gets its event stream, so that its client can lose the connection and come back. */
const HAND_OVER_AFTER_MS = 250;
const HEADER_MISMATCH = -32020;
const SESSION_NOT_FOUND = -32001;

/** Whether the headers say just what the body says; what does not is for the SDK to refuse, or to understand. */
function hasModernHeaders(request: IncomingMessage, { params }: ToolCallMessage): boolean {
	return (
		header(request, "mcp-protocol-version") === MODERN_REVISION &&
		header(request, "mcp-method") === "tools/call" &&
		header(request, "mcp-name") === params.name &&
		isJson(request)
	);
}

function hasLegacyHeaders(request: IncomingMessage): boolean {
	const version = header(request, "mcp-protocol-version");
	return (version === undefined || LEGACY_VERSIONS.has(version)) && isJson(request) && acceptsBoth(request);
}

/** Without parameters, or with the one that everybody sends. */
function isJson(request: IncomingMessage): boolean {
	const type = header(request, "content-type");
	return type === "application/json" || type === "application/json; charset=utf-8";
}

function acceptsBoth(request: IncomingMessage): boolean {
	const accept = header(request, "accept") ?? "";
	return accept.includes("application/json") && accept.includes("text/event-stream");
}

function wantsProgress(body: unknown): boolean {
	if (!isRecord(body) || !isRecord(body["params"]) || !isRecord(body["params"]["_meta"])) return false;
	return body["params"]["_meta"]["progressToken"] !== undefined;
}

/** The SDK knows nothing of a call that is answered directly, so its cancellation is seen to here. */
function cancelDirectCall(session: Session, body: unknown): void {
	if (!isRecord(body) || body["method"] !== "notifications/cancelled" || !isRecord(body["params"])) return;
	session.directCalls.get(body["params"]["requestId"] as string)?.cancel("the client has cancelled it");
}

/** Era by the SDK's rules, save for what plainly is a call of the one or the other. */
function isModern(request: IncomingMessage, body: unknown): boolean {
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
