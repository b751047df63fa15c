import { type RequestHandler, Router } from "express";
import type { McpEndpoint } from "../../mcp/endpoint.ts";
import { refuse } from "../../mcp/protocol/http-exchange.ts";

/** MCP over Streamable HTTP: POST for messages, GET for a session's stream, DELETE to end a session. */
export function createMcpRoute(mcp: McpEndpoint, json: RequestHandler): Router {
	const router = Router();
	router
		.route("/mcp")
		.post(json, (request, response) => mcp.handle(request, response, request.body as unknown))
		.get((request, response) => mcp.handle(request, response, undefined))
		.delete((request, response) => mcp.handle(request, response, undefined))
		.all((request, response) => {
			response.setHeader("allow", "POST, GET, DELETE");
			refuse(response, 405, `Method not allowed: /mcp answers POST, GET and DELETE, not ${request.method}`);
		});
	return router;
}
