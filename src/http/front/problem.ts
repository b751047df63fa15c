import type { IncomingMessage, ServerResponse } from "node:http";
import type { ErrorRequestHandler, Request, Response } from "express";
import { messageOf } from "../../core/errors.ts";
import { refuse } from "../../mcp/protocol/http-exchange.ts";
import type { Logger } from "../../logging/logger.ts";

/** Why a request is not served. */
export interface Refusal {
	readonly status: number;
	readonly code: string;
	readonly title: string;
	/** What is wrong, and what to do. */
	readonly detail: string;
}

/** Answers with a refusal in the words of the route that was asked for. */
export function sendRefusal(request: IncomingMessage, response: ServerResponse, refusal: Refusal): void {
	const { status, code, title, detail } = refusal;
	if (isMcpPath(request)) return refuse(response, status, detail);
	sendProblem(response, status, code, title, detail);
}

/** Answers with an RFC 9457 problem. `code` is for programs; `detail` says what to do and never holds a stack. */
export function sendProblem(
	response: ServerResponse,
	status: number,
	code: string,
	title: string,
	detail: string,
	more?: Record<string, unknown>,
): void {
	const body = Buffer.from(JSON.stringify({ type: "about:blank", title, status, code, detail, ...more }));
	response.writeHead(status, {
		"content-type": "application/problem+json; charset=utf-8",
		"content-length": body.length,
	});
	response.end(body);
}

/** For a path that exists, asked with a method that it does not know. */
export function methodNotAllowed(...allowed: readonly string[]): (request: Request, response: Response) => void {
	return (request, response) => {
		response.set("allow", allowed.join(", "));
		sendProblem(
			response,
			405,
			"METHOD_NOT_ALLOWED",
			"Method not allowed",
			`${request.path} answers ${allowed.join(", ")}, not ${request.method}`,
		);
	};
}

export function notFound(request: Request, response: Response): void {
	sendProblem(
		response,
		404,
		"NOT_FOUND",
		"Not found",
		`there is nothing at ${request.path.slice(0, MAX_ECHO)}; GET / lists the endpoints`,
	);
}

/** Whether errors are answered in JSON-RPC, and not as problems: as Express matches the route, in any case and with a slash. */
function isMcpPath({ url = "" }: IncomingMessage): boolean {
	return /^\/mcp\/?(?:\?|$)/i.test(url);
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
		const { status, code, title, detail } = describe(thrown);
		if (status >= 500) log.error(`${request.method} ${request.path} failed: ${messageOf(thrown)}`, { error: thrown });
		sendProblem(response, status, code, title, detail);
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

function describe(thrown: unknown): Refusal {
	const { status, type } =
		typeof thrown === "object" && thrown !== null ? (thrown as { status?: unknown; type?: unknown }) : {};
	if (type === "entity.parse.failed")
		return {
			status: 400,
			code: "MALFORMED_JSON",
			title: "Malformed JSON",
			detail: "the request body is not valid JSON",
		};
	if (type === "entity.too.large")
		return {
			status: 413,
			code: "BODY_TOO_LARGE",
			title: "Body too large",
			detail: "the request body is larger than 4 MiB; send less",
		};
	if (typeof status === "number" && status >= 400 && status < 500) {
		return {
			status,
			code: "BAD_REQUEST",
			title: "Bad request",
			detail: `the request cannot be read (${typeof type === "string" ? type : "bad request"})`,
		};
	}
	return {
		status: 500,
		code: "INTERNAL",
		title: "Internal error",
		detail: "the server failed to answer; its log says why",
	};
}
