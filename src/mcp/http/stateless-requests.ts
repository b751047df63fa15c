import { toNodeHandler } from "@modelcontextprotocol/node";
import { type Server, WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/server";
import { serveDirectly } from "./fast-path.ts";
import type { Gateway } from "../calls/gateway.ts";
import type { Exchange } from "../protocol/http-exchange.ts";
import { hasLegacyHeaders, requestIdOf, wantsProgress } from "../protocol/inbound-request.ts";
import { answerSlowly, KEEP_ALIVE_MS, QUIET_MS } from "./slow-answer.ts";
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

	/**
	 * One server, one answer; an event stream only where something is to be streamed, or the answer takes its time.
	 *
	 * @param afterMs when the client is told that its answer takes its time
	 */
	async function serve(
		{ request, response, body, streams }: Exchange,
		stream: boolean,
		afterMs = QUIET_MS,
	): Promise<void> {
		const server = options.createServer();
		const transport = new WebStandardStreamableHTTPServerTransport({
			enableJsonResponse: !stream,
			keepAliveMs: KEEP_ALIVE_MS,
		});
		response.once("close", () => void server.close().catch(onError));
		await server.connect(transport);
		const id = requestIdOf(body);
		const handle = toNodeHandler(
			{
				fetch(webRequest, extra) {
					const answer = transport.handleRequest(webRequest, extra);
					return streams && id !== undefined ? answerSlowly(answer, { afterMs, id, onError }) : answer;
				},
			},
			{ onerror: onError },
		);
		await handle(request as never, response, body);
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
				...(streams && { handOverAfterMs: QUIET_MS }),
				general: (takeCall, why) =>
					requestScope.run({ origin, takeCall }, () =>
						serve(exchange, streams && why === "streaming", why === "slow" ? 0 : QUIET_MS),
					),
			},
			response,
		);
	};
}
