import type { IncomingMessage, ServerResponse } from "node:http";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, type Server, type ServerEvent } from "@modelcontextprotocol/server";
import type { Catalog } from "../catalog/catalog.ts";
import { type HandOver, serveDirectly } from "./fast-path.ts";
import type { Gateway } from "../calls/gateway.ts";
import { type Exchange, header, refuse } from "../protocol/http-exchange.ts";
import { hasModernHeaders, paramsOf, requestIdOf } from "../protocol/inbound-request.ts";
import { createListenBus, listenScope } from "../subscriptions/subscription-bus.ts";
import { answerSlowly, KEEP_ALIVE_MS, QUIET_MS } from "./slow-answer.ts";
import { createListenLimits, LISTEN_LIMITS } from "../subscriptions/listen-limits.ts";
import { paramHeaderProblem } from "./param-headers.ts";
import { requestScope, type TakeCall } from "../calls/request-context.ts";
import { createTaskNotices } from "../subscriptions/task-subscriptions.ts";
import { isRecord } from "../../../workers/wire/json.ts";
import type { CallOrigin } from "../calls/call.ts";
import { asToolCall } from "../protocol/inbound-request.ts";

/** The 2026-07-28 era: each request carries all there is to know about it. */
export interface ModernRequests {
	handle(exchange: Exchange): Promise<void>;
	/** Tells the clients that listen for it. */
	changed(change: ServerEvent, moduleId?: string): void;
	/** Tells those that listen for the task, if it is the module's. */
	taskChanged(moduleId: string, taskId: string): void;
	/** Tells those that listen for tasks of the module how these are. */
	serving(moduleId: string): void;
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
	const limits = createListenLimits(LISTEN_LIMITS);
	const bus = createListenBus(onError);
	const handler = createMcpHandler(options.createServer, {
		legacy: "reject",
		onerror: onError,
		bus,
		keepAliveMs: KEEP_ALIVE_MS,
	});
	const notices = createTaskNotices({ fetch: handler.fetch, gateway, hasTasks: catalog.hasTasks, onError });

	function headerProblem(request: IncomingMessage, body: unknown, { principal }: CallOrigin): string | undefined {
		const { name, arguments: args } = paramsOf(body, "tools/call") ?? {};
		if (typeof name !== "string") return undefined;
		// What a hidden tool wants of headers is hidden too.
		const owner = catalog.owner("tools", name);
		if (owner !== undefined && principal?.sees.entry("tools", name, owner) === false) return undefined;
		return paramHeaderProblem(catalog.list("tools", "modern"), name, args, (of) => header(request, of));
	}

	/** @param afterMs when the client is told that its answer takes its time */
	function serve(
		request: IncomingMessage,
		response: ServerResponse,
		body: unknown,
		streams: boolean,
		afterMs: number,
	): Promise<void> {
		const id = requestIdOf(body);
		const slowly = streams && id !== undefined && paramsOf(body, "subscriptions/listen") === undefined;
		const handle = toNodeHandler(
			{
				fetch(webRequest, extra) {
					const answer = notices.fetch(webRequest, extra);
					return slowly ? answerSlowly(answer, { afterMs, id, onError }) : answer;
				},
			},
			{ onerror: onError },
		);
		return handle(request as never, response, body);
	}

	return {
		async handle({ request, response, body, origin, streams }) {
			const general = (takeCall?: TakeCall, why?: HandOver): Promise<void> =>
				requestScope.run({ origin, ...listenScope(response, body), ...(takeCall !== undefined && { takeCall }) }, () =>
					serve(request, response, body, streams, why === "slow" ? 0 : QUIET_MS),
				);
			// Of every call, whichever way it goes: the SDK does not compare these.
			const problem = headerProblem(request, body, origin);
			if (problem !== undefined) {
				const text = `Bad Request: the request headers and body disagree: ${problem}`;
				return refuse(response, 400, text, HEADER_MISMATCH, idOf(body));
			}
			if (paramsOf(body, "subscriptions/listen") !== undefined) {
				const refusal = limits.admit(origin.client, body, response);
				if (refusal !== undefined) {
					if (refusal.status === 429) response.setHeader("retry-after", "30");
					return refuse(response, refusal.status, refusal.message, LIMIT_EXCEEDED, idOf(body));
				}
			}
			const message = direct ? asToolCall(body) : undefined;
			if (message === undefined || !hasModernHeaders(request, message)) return general();
			return serveDirectly(
				gateway,
				{
					era: "modern",
					message,
					origin,
					cancelOnClose: true,
					...(streams && { handOverAfterMs: QUIET_MS }),
					general,
				},
				response,
			);
		},
		changed: bus.publish,
		taskChanged: notices.changed,
		serving: notices.serving,
		close: () => handler.close(),
	};
}

const HEADER_MISMATCH = -32020;
const LIMIT_EXCEEDED = -32000;

function idOf(body: unknown): string | number | null {
	const id = isRecord(body) ? body["id"] : undefined;
	return typeof id === "string" || typeof id === "number" ? id : null;
}
