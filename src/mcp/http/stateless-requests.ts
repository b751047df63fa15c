import { NodeStreamableHTTPServerTransport } from "@modelcontextprotocol/node";
import type { Server } from "@modelcontextprotocol/server";
import { serveDirectly } from "./fast-path.ts";
import type { Gateway } from "../calls/gateway.ts";
import type { Exchange } from "../protocol/http-exchange.ts";
import { hasLegacyHeaders, wantsProgress } from "../protocol/inbound-request.ts";
import { requestScope } from "../calls/request-context.ts";
import { asToolCall } from "../protocol/inbound-request.ts";

export interface StatelessRequestsOptions {
	readonly gateway: Gateway;
	readonly createServer: () => Server;
	/** Whether tool calls may be answered without the SDK in between. */
	readonly direct: boolean;
	readonly onError: (error: Error) => void;
}

/** Serves the requests of 2025-era clients that keep no session. */
export function createStatelessRequests(options: StatelessRequestsOptions): (exchange: Exchange) => Promise<void> {
	const { gateway, direct, onError } = options;

	/** One server, one answer; an event stream only where something is to be streamed. */
	async function serve({ request, response, body }: Exchange, stream: boolean): Promise<void> {
		const server = options.createServer();
		const transport = new NodeStreamableHTTPServerTransport({ enableJsonResponse: !stream });
		response.once("close", () => void server.close().catch(onError));
		await server.connect(transport);
		await transport.handleRequest(request, response, body);
	}

	return async (exchange) => {
		const { request, body, origin, response, streams } = exchange;
		const message = direct && hasLegacyHeaders(request) ? asToolCall(body) : undefined;
		if (message === undefined) {
			return requestScope.run({ origin }, () => serve(exchange, streams && wantsProgress(body)));
		}
		return serveDirectly(
			gateway,
			{
				era: "legacy",
				message,
				origin,
				cancelOnClose: true,
				general: (takeCall, why) =>
					requestScope.run({ origin, takeCall }, () => serve(exchange, streams && why === "streaming")),
			},
			response,
		);
	};
}
