import type { IncomingMessage, ServerResponse } from "node:http";
import { NodeStreamableHTTPServerTransport, toNodeHandler } from "@modelcontextprotocol/node";
import { classifyInboundRequest, createMcpHandler, isInitializeRequest } from "@modelcontextprotocol/server";
import { isRecord, type ListName } from "../../workers/protocol.ts";
import type { Gateway } from "./gateway.ts";
import { createSessions, type Sessions } from "./sessions.ts";

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
	readonly sessionMax: number;
	readonly sessionIdleTimeoutMs: number;
	readonly onError: (error: Error) => void;
	/** Called with how many sessions are open, whenever that changes. */
	readonly onSessions: (count: number) => void;
}

export function createMcpEndpoint({ gateway, onError, ...options }: McpEndpointOptions): McpEndpoint {
	const sessions = createSessions({
		createServer: () => gateway.createServer("legacy"),
		max: options.sessionMax,
		idleTimeoutMs: options.sessionIdleTimeoutMs,
		now: Date.now,
		onError,
		onCount: options.onSessions,
	});
	// The SDK answers the 2026-07-28 revision; `reject` since the 2025 era is served below, with and without sessions.
	const modern = createMcpHandler(() => gateway.createServer("modern"), { legacy: "reject", onerror: onError });
	const serveModern = toNodeHandler(modern, { onerror: onError });

	return {
		async handle(request, response, body) {
			normaliseAccept(request);
			const sessionId = header(request, "mcp-session-id");
			if (sessionId !== undefined) return serveSession(sessions, sessionId, request, response, body);
			if (!isLegacy(request, body)) return serveModern(request as never, response, body);
			if (request.method !== "POST") return refuse(response, 405, "Method not allowed: GET and DELETE need a session");
			if (isInitializeRequest(body)) return openSession(sessions, request, response, body);
			return serveStateless(gateway, request, response, body, onError);
		},
		listsChanged(lists) {
			const tools = lists.has("tools");
			const prompts = lists.has("prompts");
			const resources = lists.has("resources") || lists.has("resourceTemplates");
			if (tools) modern.notify.toolsChanged();
			if (prompts) modern.notify.promptsChanged();
			if (resources) modern.notify.resourcesChanged();
			for (const { server } of sessions.servers()) {
				if (tools) server.sendToolListChanged().catch(onError);
				if (prompts) server.sendPromptListChanged().catch(onError);
				if (resources) server.sendResourceListChanged().catch(onError);
			}
		},
		resourceUpdated(uri) {
			modern.notify.resourceUpdated(uri);
			for (const { server, subscriptions } of sessions.servers()) {
				if (subscriptions.has(uri)) server.sendResourceUpdated({ uri }).catch(onError);
			}
		},
		async close() {
			await Promise.all([modern.close(), sessions.close()]);
		},
	};
}

async function serveSession(
	sessions: Sessions,
	sessionId: string,
	request: IncomingMessage,
	response: ServerResponse,
	body: unknown,
): Promise<void> {
	const transport = sessions.find(sessionId);
	if (transport === undefined)
		return refuse(response, 404, "Session not found: initialize a new one", SESSION_NOT_FOUND);
	await transport.handleRequest(request, response, body);
}

async function openSession(
	sessions: Sessions,
	request: IncomingMessage,
	response: ServerResponse,
	body: unknown,
): Promise<void> {
	const transport = await sessions.open();
	if (transport === undefined) {
		response.setHeader("retry-after", "60");
		return refuse(response, 503, "Too many sessions are open: end one with DELETE, or try again later");
	}
	await transport.handleRequest(request, response, body);
	// A refused initialize leaves nothing behind.
	if (transport.sessionId === undefined) await transport.close();
}

/** A 2025-era request on its own: one server, one answer. Plain JSON unless the client asked for progress. */
async function serveStateless(
	gateway: Gateway,
	request: IncomingMessage,
	response: ServerResponse,
	body: unknown,
	onError: (error: Error) => void,
): Promise<void> {
	const server = gateway.createServer("legacy");
	const transport = new NodeStreamableHTTPServerTransport({ enableJsonResponse: !wantsStream(body) });
	response.once("close", () => void server.close().catch(onError));
	await server.connect(transport);
	await transport.handleRequest(request, response, body);
}

function wantsStream(body: unknown): boolean {
	if (!isRecord(body) || !isRecord(body["params"]) || !isRecord(body["params"]["_meta"])) return false;
	return body["params"]["_meta"]["progressToken"] !== undefined;
}

function isLegacy(request: IncomingMessage, body: unknown): boolean {
	const protocolVersionHeader = header(request, "mcp-protocol-version");
	const mcpMethodHeader = header(request, "mcp-method");
	const mcpNameHeader = header(request, "mcp-name");
	const outcome = classifyInboundRequest({
		httpMethod: request.method ?? "GET",
		body,
		...(protocolVersionHeader !== undefined && { protocolVersionHeader }),
		...(mcpMethodHeader !== undefined && { mcpMethodHeader }),
		...(mcpNameHeader !== undefined && { mcpNameHeader }),
	});
	return outcome.kind === "legacy";
}

/** The transports want both types named; a client that says it takes anything takes both. */
function normaliseAccept(request: IncomingMessage): void {
	const accept = request.headers.accept ?? "*/*";
	if (!accept.includes("*/*") && !(request.method === "POST" && /application\/(?:json|\*)/.test(accept))) return;
	const value = "application/json, text/event-stream";
	request.headers.accept = value;
	// The web-standard adapter reads the raw list.
	for (let index = 0; index < request.rawHeaders.length; index += 2) {
		if (request.rawHeaders[index]?.toLowerCase() === "accept") request.rawHeaders[index + 1] = value;
	}
	if (!request.rawHeaders.some((name, index) => index % 2 === 0 && name.toLowerCase() === "accept")) {
		request.rawHeaders.push("Accept", value);
	}
}

const SESSION_NOT_FOUND = -32001;
const SERVER_ERROR = -32000;

function refuse(response: ServerResponse, status: number, message: string, code = SERVER_ERROR): void {
	response.writeHead(status, { "content-type": "application/json" });
	response.end(JSON.stringify({ jsonrpc: "2.0", error: { code, message }, id: null }));
}

function header(request: IncomingMessage, name: string): string | undefined {
	const value = request.headers[name];
	return typeof value === "string" ? value : undefined;
}
