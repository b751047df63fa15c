import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { LineSink } from "../logging/line-sink.ts";
import { currentRequestIds } from "../logging/request-ids.ts";
import { principalOf } from "./identified-request.ts";
import type { Scope } from "./principal.ts";

/** Who did what, when, and what came of it: one JSON line each, never an argument or a result. */
export interface AuditLog {
	/** Writes down a refusal, and what is asked of the host itself, once the response is closed. */
	request(request: IncomingMessage, response: ServerResponse, asked: AskedRequest): void;
	/** Writes down a tool call, or a read. */
	call(call: AuditedCall): void;
}

export interface AskedRequest {
	/** The pattern of the route. */
	readonly route: string | undefined;
	readonly scope: Scope | "open" | undefined;
	/** Undefined for what is let in. */
	readonly refusal: { readonly status: number; readonly code: string } | undefined;
}

export interface AuditedCall {
	readonly event: "tool_call" | "resource_read";
	readonly principal: string | undefined;
	readonly address: string | undefined;
	readonly session: string | undefined;
	readonly requestId: string | undefined;
	/** Undefined where no module has the name, or it is hidden from the principal. */
	readonly moduleId: string | undefined;
	/** Of the tool, or the URI of the resource. */
	readonly name: string;
	/** `success`, or the type of the error. */
	readonly outcome: string;
	readonly durationMs: number;
	readonly bytes: number;
}

/**
 * @param versionOf which version of a module runs
 * @param now milliseconds since the epoch
 */
export function createAuditLog(
	sink: Pick<LineSink, "write">,
	versionOf: (moduleId: string) => string | undefined,
	now: () => number,
): AuditLog {
	function write(entry: Readonly<Record<string, unknown>>): void {
		sink.write(`${JSON.stringify({ time: new Date(now()).toISOString(), ...entry })}\n`);
	}

	return {
		request(request, response, { route, scope, refusal }) {
			const isAction = scope === "admin" && request.method !== "GET" && request.method !== "HEAD";
			if (refusal === undefined && !isAction) return;
			const startedAt = performance.now();
			const ids = currentRequestIds();
			const sessionId = request.headers["mcp-session-id"];
			const path = (request.url ?? "").split("?", 1)[0] ?? "";
			response.once("close", () =>
				write({
					event: refusal === undefined ? "admin_action" : "refusal",
					principal: principalOf(request)?.name ?? null,
					address: request.socket.remoteAddress ?? null,
					session: typeof sessionId === "string" ? sessionAddress(sessionId) : null,
					module: null,
					version: null,
					name: `${request.method} ${cut(path)}`,
					route: route ?? null,
					outcome: refusal?.code ?? (response.statusCode < 400 ? "success" : `http_${response.statusCode}`),
					status: response.statusCode,
					duration_ms: rounded(performance.now() - startedAt),
					bytes: Number(response.getHeader("content-length") ?? 0),
					request_id: ids?.request_id ?? null,
				}),
			);
		},
		call(call) {
			write({
				event: call.event,
				principal: call.principal ?? null,
				address: call.address ?? null,
				session: call.session ?? null,
				module: call.moduleId ?? null,
				version: call.moduleId === undefined ? null : (versionOf(call.moduleId) ?? null),
				name: cut(call.name),
				outcome: call.outcome,
				duration_ms: rounded(call.durationMs),
				bytes: call.bytes,
				request_id: call.requestId ?? null,
			});
		},
	};
}

/** A session's id opens the session, so that it is in no log: this tells sessions apart as modules do. */
function sessionAddress(sessionId: string): string {
	return createHash("sha256").update(sessionId).digest("base64url").slice(0, 22);
}

/** Names that callers make up. */
const MAX_NAME = 256;

function cut(name: string): string {
	return name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}…` : name;
}

function rounded(ms: number): number {
	return Math.round(ms * 1000) / 1000;
}
