import type { IncomingMessage, ServerResponse } from "node:http";
import type { ErrorRequestHandler, Request, Response } from "express";
import { messageOf } from "../../core/errors.ts";
import type { Logger } from "../../logging/logger.ts";

/** Answers with an RFC 9457 problem. `detail` says what to do and never holds a stack. */
export function sendProblem(
	response: Response,
	status: number,
	title: string,
	detail: string,
	more?: Record<string, unknown>,
): void {
	response
		.status(status)
		.type("application/problem+json")
		.send(JSON.stringify({ type: "about:blank", title, status, detail, ...more }));
}

/** For a path that exists, asked with a method that it does not know. */
export function methodNotAllowed(...allowed: readonly string[]): (request: Request, response: Response) => void {
	return (request, response) => {
		response.set("allow", allowed.join(", "));
		sendProblem(
			response,
			405,
			"Method not allowed",
			`${request.path} answers ${allowed.join(", ")}, not ${request.method}`,
		);
	};
}

export function notFound(request: Request, response: Response): void {
	sendProblem(
		response,
		404,
		"Not found",
		`there is nothing at ${request.path.slice(0, MAX_ECHO)}; GET / lists the endpoints`,
	);
}

/** Whether errors are answered in JSON-RPC, and not as problems: as Express matches the route, in any case and with a slash. */
export function isMcpPath({ path }: Request): boolean {
	return /^\/mcp\/?$/i.test(path);
}

const MAX_ECHO = 200;
const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;

/** The last handler: what a body parser or a route threw. Clients get a sentence, the log gets the rest. */
export function createErrorHandler(log: Logger): ErrorRequestHandler {
	const answerMcpError = createMcpErrorHandler(log);
	return (thrown: unknown, request, response, next) => {
		if (response.headersSent) return next(thrown); // Express closes the connection
		if (isMcpPath(request)) return answerMcpError(thrown, request, response);
		const { status, title, detail } = describe(thrown);
		if (status >= 500) log.error(`${request.method} ${request.path} failed: ${messageOf(thrown)}`, { error: thrown });
		sendProblem(response, status, title, detail);
	};
}

/** The same for a request on `/mcp`, in JSON-RPC. */
export function createMcpErrorHandler(
	log: Logger,
): (thrown: unknown, request: IncomingMessage, response: ServerResponse) => void {
	return (thrown, request, response) => {
		const { status, detail } = describe(thrown);
		if (status >= 500) log.error(`${request.method} /mcp failed: ${messageOf(thrown)}`, { error: thrown });
		if (response.headersSent) return void response.destroy();
		const code = status === 400 ? PARSE_ERROR : INVALID_REQUEST;
		response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
		response.end(JSON.stringify({ jsonrpc: "2.0", error: { code, message: detail }, id: null }));
	};
}

function describe(thrown: unknown): { readonly status: number; readonly title: string; readonly detail: string } {
	const { status, type } =
		typeof thrown === "object" && thrown !== null ? (thrown as { status?: unknown; type?: unknown }) : {};
	if (type === "entity.parse.failed")
		return { status: 400, title: "Malformed JSON", detail: "the request body is not valid JSON" };
	if (type === "entity.too.large")
		return { status: 413, title: "Body too large", detail: "the request body is larger than 4 MiB; send less" };
	if (typeof status === "number" && status >= 400 && status < 500) {
		return {
			status,
			title: "Bad request",
			detail: `the request cannot be read (${typeof type === "string" ? type : "bad request"})`,
		};
	}
	return { status: 500, title: "Internal error", detail: "the server failed to answer; its log says why" };
}
