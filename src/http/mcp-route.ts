import { type RequestHandler, Router } from "express";
import type { McpEndpoint } from "../mcp/mcp-endpoint.ts";
import { methodNotAllowed } from "./problem.ts";

/** MCP over Streamable HTTP: POST for messages, GET for a session's stream, DELETE to end a session. */
export function createMcpRoute(mcp: McpEndpoint, json: RequestHandler): Router {
	const router = Router();
	router
		.route("/mcp")
		.post(json, (request, response) => mcp.handle(request, response, request.body as unknown))
		.get((request, response) => mcp.handle(request, response, undefined))
		.delete((request, response) => mcp.handle(request, response, undefined))
		.all(methodNotAllowed("POST", "GET", "DELETE"));
	return router;
}
