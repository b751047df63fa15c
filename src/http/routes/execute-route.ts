import { ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import type { RequestHandler, Response } from "express";
import * as z from "zod";
import type { Gateway } from "../../mcp/calls/gateway.ts";
import { originOf } from "../../mcp/protocol/http-exchange.ts";
import { sendProblem } from "../front/problem.ts";
import { JSON_ANSWER, PROBLEM, type Operation, type Route } from "../front/route.ts";

const BODY = z.object({
	tool_name: z.string().min(1),
	arguments: z.record(z.string(), z.unknown()).default({}),
});

/** `POST /execute`: a tool call for scripts without an MCP client. Answers with the tool's result. */
export function executeRoute(gateway: Gateway, json: RequestHandler): Route {
	const execute: Operation["handlers"][number] = async (request, response) => {
		const body = BODY.safeParse(request.body);
		if (!body.success) return sendProblem(response, 400, "BAD_REQUEST", "Bad request", explain(body.error));
		const { tool_name: name, arguments: args } = body.data;
		const call = gateway.begin({
			era: "legacy",
			method: "tools/call",
			params: { name, arguments: args },
			origin: originOf(request),
		});
		response.once("close", () => call.cancel("the client has disconnected"));
		try {
			response.json((await call.answer).result);
		} catch (error) {
			if (!(error instanceof ProtocolError)) throw error;
			sendFailure(response, name, error);
		}
	};
	return {
		path: "/execute",
		scope: "mcp",
		operations: {
			post: {
				summary: "Calls a tool, for scripts without an MCP client",
				handlers: [json, execute],
				body: z.toJSONSchema(BODY, { io: "input" }),
				answers: {
					200: { description: "The tool's result, as `tools/call` has it", type: JSON_ANSWER },
					400: PROBLEM,
					404: PROBLEM,
					413: PROBLEM,
					502: PROBLEM,
					503: PROBLEM,
					504: PROBLEM,
				},
			},
		},
	};
}

function explain(error: z.ZodError): string {
	const problems = error.issues.map((issue) => `${issue.path.join(".") || "the body"}: ${issue.message}`).join("; ");
	return `${problems}. Send {"tool_name": "…", "arguments": {…}} as application/json`;
}

function sendFailure(response: Response, name: string, error: ProtocolError): void {
	if (error.code === ProtocolErrorCode.InvalidParams) {
		return sendProblem(
			response,
			404,
			"TOOL_NOT_FOUND",
			"Unknown tool",
			`${error.message}; tools/list on /mcp names the tools there are`,
			{ tool_name: name },
		);
	}
	const data = (error.data ?? {}) as { code?: unknown; retryable?: unknown };
	if (data.code === "CALL_TIMEOUT")
		return sendProblem(response, 504, "CALL_TIMEOUT", "Timed out", error.message, { ...data, tool_name: name });
	const status = data.retryable === true ? 503 : 502;
	sendProblem(response, status, "MODULE_FAILED", "The tool's module failed", error.message, {
		...data,
		tool_name: name,
	});
}
