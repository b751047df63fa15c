import type { RequestHandler } from "express";
import type { McpEndpoint } from "../../mcp/endpoint.ts";
import { refuse } from "../../mcp/protocol/http-exchange.ts";
import { type Answer, JSON_ANSWER, type Route } from "../front/route.ts";

/** MCP over Streamable HTTP: POST for messages, GET for a session's stream, DELETE to end a session. */
export function mcpRoute(mcp: McpEndpoint, json: RequestHandler): Route {
	return {
		path: "/mcp",
		scope: "mcp",
		operations: {
			post: {
				summary: "One JSON-RPC message of MCP (Streamable HTTP, revisions 2026-07-28 and 2025)",
				handlers: [json, (request, response) => mcp.handle(request, response, request.body as unknown)],
				body: { type: "object" },
				answers: {
					200: {
						description: "The answer as JSON, or as an event stream where the client takes one",
						type: JSON_ANSWER,
					},
					202: { description: "A notification was taken" },
					400: JSON_RPC_ERROR,
					404: JSON_RPC_ERROR,
				},
			},
			get: {
				summary: "The event stream of a 2025-era session",
				handlers: [(request, response) => mcp.handle(request, response, undefined)],
				answers: {
					200: { description: "Events", type: "text/event-stream" },
					404: JSON_RPC_ERROR,
					405: JSON_RPC_ERROR,
				},
			},
			delete: {
				summary: "Ends a 2025-era session",
				handlers: [(request, response) => mcp.handle(request, response, undefined)],
				answers: { 200: { description: "It has ended" }, 404: JSON_RPC_ERROR, 405: JSON_RPC_ERROR },
			},
		},
		refuseMethod(request, response) {
			response.setHeader("allow", "POST, GET, DELETE");
			refuse(response, 405, `Method not allowed: /mcp answers POST, GET and DELETE, not ${request.method}`);
		},
	};
}

const JSON_RPC_ERROR: Answer = { description: "A JSON-RPC error", type: JSON_ANSWER };
