import {
	type ClientCapabilities,
	ProtocolError,
	ProtocolErrorCode,
	type ServerContext,
} from "@modelcontextprotocol/server";
import type { AskClient } from "../../workers/asks.ts";
import { isRecord, parseJson } from "../../workers/protocol.ts";
import { messageOf } from "../errors.ts";

export interface ClientRequestsOptions {
	/** What the client declared when it opened its session. */
	readonly capabilities: () => ClientCapabilities | undefined;
	readonly send: ServerContext["mcpReq"]["send"];
}

/**
 * Puts what a module asks to the client of its call: the requests that MCP knows from a server to a client, and only
 * those that the client said it answers.
 */
export function createClientRequests({ capabilities, send }: ClientRequestsOptions): AskClient {
	return async (json, signal) => {
		const asked = parseJson(json);
		const method = isRecord(asked) ? METHODS.find((known) => known === asked["method"]) : undefined;
		if (!isRecord(asked) || method === undefined) {
			return failure(
				ProtocolErrorCode.MethodNotFound,
				`a module may ask its client ${METHODS.join(", ")}, nothing else`,
			);
		}
		const declared = capabilities()?.[CAPABILITY[method]];
		if (declared === undefined) {
			return failure(
				ProtocolErrorCode.InvalidRequest,
				`the client does not declare ${CAPABILITY[method]} (needed for ${method})`,
			);
		}
		try {
			// The SDK checks the answer against the schema of the method, and does not check the question.
			const request = { method, params: paramsOf(asked["params"]) as never };
			const result: unknown = await send(request, { signal, timeout: ASK_TIMEOUT_MS });
			return JSON.stringify({ result });
		} catch (error) {
			if (error instanceof ProtocolError) return failure(error.code, error.message, error.data);
			return failure(ProtocolErrorCode.InternalError, `${method}: ${messageOf(error)}`);
		}
	};
}

/** How long a client may take; people answer some of these. */
const ASK_TIMEOUT_MS = 600_000;
const METHODS = ["sampling/createMessage", "elicitation/create", "roots/list"] as const;
const CAPABILITY = {
	"sampling/createMessage": "sampling",
	"elicitation/create": "elicitation",
	"roots/list": "roots",
} as const satisfies Record<(typeof METHODS)[number], keyof ClientCapabilities>;

/** Without the progress token: it is a number of the module's server, and means another request in the host's. */
function paramsOf(params: unknown): Record<string, unknown> {
	if (!isRecord(params)) return {};
	if (!isRecord(params["_meta"])) return { ...params };
	const { progressToken: _, ...meta } = params["_meta"];
	return { ...params, _meta: meta };
}

function failure(code: number, message: string, data?: unknown): string {
	return JSON.stringify({ error: { code, message, ...(data !== undefined && { data }) } });
}
