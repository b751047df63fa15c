import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server, ServerEvent } from "@modelcontextprotocol/server";
import type { Catalog } from "./catalog/catalog.ts";
import type { Gateway, GatewayOptions } from "./calls/gateway.ts";
import { type Exchange, header, normaliseAccept, originOf, readAccept, refuse } from "./protocol/http-exchange.ts";
import { batchProblem, isModern, opensSession } from "./protocol/inbound-request.ts";
import { observeHostRequests } from "./protocol/host-requests.ts";
import { ownerOf } from "./calls/call.ts";
import { createModernRequests } from "./http/modern-requests.ts";
import { createProtocolServer } from "./protocol-server.ts";
import { createRequestStateSeal } from "./protocol/request-state.ts";
import { passOnRootChanges } from "./sessions/root-changes.ts";
import { createSessionMessages, type SessionMessagesOptions } from "./sessions/session-messages.ts";
import { createSessionRequests } from "./http/session-requests.ts";
import { createSessions, type SessionsOptions } from "./sessions/sessions.ts";
import { createStatelessRequests } from "./http/stateless-requests.ts";
import type { ListName } from "../../workers/wire/catalog.ts";
import { type SessionState } from "./sessions/session-state.ts";
import type { Era } from "../../workers/wire/catalog.ts";

/** MCP over Streamable HTTP, both eras on one route. */
export interface McpEndpoint {
	/** @param body the parsed JSON body; undefined for GET and DELETE */
	handle(request: IncomingMessage, response: ServerResponse, body: unknown): Promise<void>;
	/** Tells every client that asked, of either era, that lists have changed. */
	listsChanged(lists: ReadonlySet<ListName>): void;
	/** @param moduleId who says so: clients from whom it is hidden are not told */
	resourceUpdated(uri: string, moduleId: string): void;
	/** Takes a notification of a module to a session that has called it; see `createSessionMessages`. */
	pushed(moduleId: string, address: string, json: string): void;
	/** Tells the clients that listen for the task, if the module is the one that has it. */
	taskChanged(moduleId: string, taskId: string): void;
	/** Another generation of the module serves: tells the clients that listen for its tasks how these are. */
	serving(moduleId: string): void;
	close(): Promise<void>;
}

export interface McpEndpointOptions {
	readonly gateway: Gateway;
	readonly catalog: Catalog;
	readonly serverInfo: { readonly name: string; readonly version: string };
	/** Told of each request that no module answers; the gateway is told of the others. */
	readonly observe: GatewayOptions["observe"];
	/** Entries of a list in one answer. */
	readonly pageSize: number;
	readonly sessionMax: number;
	readonly sessionIdleTimeoutMs: number;
	/** Signs `requestState`: at least 32 bytes, the same for all replicas. Default: one that lasts as long as this process. */
	readonly requestStateKey?: string | Uint8Array;
	/** Whether tool calls may be answered without the SDK in between; `false` is for comparing. */
	readonly directCalls?: boolean;
	readonly onError: (error: Error) => void;
	/** Called with how many sessions are open, whenever that changes. */
	readonly onSessions: (count: number) => void;
	readonly onSessionChange?: SessionsOptions["onChange"];
	readonly onMessageDropped: SessionMessagesOptions["onDropped"];
}

export function createMcpEndpoint({ gateway, catalog, onError, ...options }: McpEndpointOptions): McpEndpoint {
	const direct = options.directCalls ?? true;
	const requestState = createRequestStateSeal(options.requestStateKey);
	const createServer = (era: Era, session?: SessionState): Server =>
		createProtocolServer({ ...options, gateway, catalog, requestState, onError }, era, session);
	const sessions = createSessions({
		createServer(state) {
			const server = createServer("legacy", state);
			passOnRootChanges({ server, state, gateway, onError });
			return server;
		},
		max: options.sessionMax,
		idleTimeoutMs: options.sessionIdleTimeoutMs,
		now: () => performance.now(),
		onError,
		onCount: options.onSessions,
		...(options.onSessionChange !== undefined && { onChange: options.onSessionChange }),
	});
	const modern = createModernRequests({
		gateway,
		catalog,
		direct,
		onError,
		createServer: () => createServer("modern"),
	});
	const pushed = createSessionMessages({ sessionAt: sessions.at, onDropped: options.onMessageDropped });
	const inSession = createSessionRequests({ gateway, sessions, direct });
	const stateless = createStatelessRequests({ gateway, direct, onError, createServer: () => createServer("legacy") });

	function changed(change: ServerEvent, moduleId?: string): void {
		modern.changed(change, moduleId);
		for (const { changes, principal } of sessions.all()) {
			if (moduleId === undefined || principal?.sees.module(moduleId) !== false) changes.tell(change);
		}
	}

	return {
		async handle(request, response, body) {
			observeHostRequests(body, response, options.observe);
			const accepted = readAccept(request);
			normaliseAccept(request, accepted);
			const streams = accepted.stream;
			const exchange: Exchange = { request, response, body, streams, origin: originOf(request) };
			const sessionId = header(request, "mcp-session-id");
			const version = sessionId === undefined ? undefined : inSession.versionOf(sessionId, ownerOf(exchange.origin));
			const problem = batchProblem(body, version ?? header(request, "mcp-protocol-version"));
			if (problem !== undefined) return refuse(response, 400, problem, INVALID_REQUEST);
			// A client that initializes anew asks for a new session, whatever it remembers of one that is gone.
			if (sessionId !== undefined && (version !== undefined || !opensSession(body))) {
				return inSession.handle(sessionId, exchange);
			}
			if (isModern(request, body)) return modern.handle(exchange);
			if (request.method !== "POST") {
				response.setHeader("allow", "POST");
				return refuse(response, 405, "Method not allowed: GET and DELETE need a session");
			}
			// A client that takes no stream cannot use a session: its initialize opens none, and it goes on without.
			return streams && opensSession(body) ? inSession.open(exchange) : stateless(exchange);
		},
		listsChanged(lists) {
			if (lists.has("tools")) changed({ kind: "tools_list_changed" });
			if (lists.has("prompts")) changed({ kind: "prompts_list_changed" });
			if (lists.has("resources") || lists.has("resourceTemplates")) changed({ kind: "resources_list_changed" });
		},
		resourceUpdated: (uri, moduleId) => changed({ kind: "resource_updated", uri }, moduleId),
		pushed,
		taskChanged: modern.taskChanged,
		serving: modern.serving,
		async close() {
			await Promise.all([modern.close(), sessions.close()]);
		},
	};
}

const INVALID_REQUEST = -32600;
