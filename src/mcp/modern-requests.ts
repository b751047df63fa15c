import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, type McpHttpHandler, type Server } from "@modelcontextprotocol/server";
import type { Catalog } from "./catalog.ts";
import { asToolCall, serveDirectly } from "./direct-call.ts";
import type { Gateway } from "./gateway.ts";
import { type Exchange, header, refuse } from "./http-exchange.ts";
import { hasModernHeaders } from "./inbound-request.ts";
import { paramHeaderProblem } from "./param-headers.ts";
import { requestScope, type TakeCall } from "./request-scope.ts";

/** The 2026-07-28 era: each request carries all there is to know about it. */
export interface ModernRequests {
	handle(exchange: Exchange): Promise<void>;
	/** Tells the clients that listen. */
	readonly notify: McpHttpHandler["notify"];
	close(): Promise<void>;
}

export interface ModernRequestsOptions {
	readonly gateway: Gateway;
	readonly catalog: Catalog;
	readonly createServer: () => Server;
	/** Whether tool calls may be answered without the SDK in between. */
	readonly direct: boolean;
	readonly onError: (error: Error) => void;
}

export function createModernRequests(options: ModernRequestsOptions): ModernRequests {
	const { gateway, catalog, direct, onError } = options;
	// `reject` since requests of the 2025 era are served elsewhere.
	const handler = createMcpHandler(options.createServer, { legacy: "reject", onerror: onError });
	const serve = toNodeHandler(handler, { onerror: onError });

	return {
		async handle({ request, response, body, origin }) {
			const general = (takeCall?: TakeCall): Promise<void> =>
				requestScope.run({ origin, ...(takeCall !== undefined && { takeCall }) }, () =>
					serve(request as never, response, body),
				);
			const message = asToolCall(body);
			if (message === undefined) return general();
			const { name, arguments: args } = message.params;
			const problem = paramHeaderProblem(catalog.list("tools", "modern"), name, args, (of) => header(request, of));
			if (problem !== undefined) {
				const text = `Bad Request: the request headers and body disagree: ${problem}`;
				return refuse(response, 400, text, HEADER_MISMATCH, message.id);
			}
			if (!direct || !hasModernHeaders(request, message)) return general();
			return serveDirectly(gateway, { era: "modern", message, origin, cancelOnClose: true, general }, response);
		},
		notify: handler.notify,
		close: () => handler.close(),
	};
}

const HEADER_MISMATCH = -32020;
