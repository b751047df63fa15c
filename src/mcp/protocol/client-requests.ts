import {
	type ClientCapabilities,
	type ProgressCallback,
	ProtocolError,
	ProtocolErrorCode,
	type ServerContext,
} from "@modelcontextprotocol/server";
import type { AskClient } from "../../../workers/wire/client-requests.ts";
import { createMessageQuota } from "../../../workers/wire/token-bucket.ts";
import { messageOf } from "../../core/errors.ts";
import { isRecord, parseJson } from "../../../workers/wire/json.ts";

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
	return async (json, signal, onProgress) => {
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
			const { params, wantsProgress } = readParams(asked["params"]);
			const result: unknown = await send(
				{ method, params },
				{
					signal,
					timeout: ASK_TIMEOUT_MS,
					...(wantsProgress && { onprogress: bounded(onProgress) }),
				},
			);
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

/** What a client may say of one request: more, and longer, is dropped. */
const PROGRESS = { perSecond: 20, burst: 100, maxLength: 4096 };

function bounded(onProgress: (json: string) => void): ProgressCallback {
	const quota = createMessageQuota(PROGRESS);
	return (progress) => {
		const json = JSON.stringify(progress);
		if (json.length <= PROGRESS.maxLength && quota.take()) onProgress(json);
	};
}

/** Without the progress token: it is a number of the module's server, and means another request in the host's. */
function readParams(params: unknown): {
	readonly params: Readonly<Record<string, unknown>>;
	readonly wantsProgress: boolean;
} {
	if (!isRecord(params)) return { params: {}, wantsProgress: false };
	if (!isRecord(params["_meta"])) return { params, wantsProgress: false };
	const { progressToken, ..._meta } = params["_meta"];
	return { params: { ...params, _meta }, wantsProgress: progressToken !== undefined };
}

function failure(code: number, message: string, data?: unknown): string {
	return JSON.stringify({ error: { code, message, ...(data !== undefined && { data }) } });
}
