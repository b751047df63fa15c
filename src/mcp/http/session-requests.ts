import { serveDirectly } from "./fast-path.ts";
import { isStandaloneEvent } from "../sessions/event-store.ts";
import type { Gateway } from "../calls/gateway.ts";
import { type Exchange, header, refuse } from "../protocol/http-exchange.ts";
import { hasLegacyHeaders, paramsOf } from "../protocol/inbound-request.ts";
import { requestScope, type TakeCall } from "../calls/request-context.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";
import { ownerOf } from "../calls/call.ts";
import { asToolCall } from "../protocol/inbound-request.ts";

/** Requests of 2025-era clients in their sessions, and the ones that open a session. */
export interface SessionRequests {
	/** @param sessionId what the request names; a session that is not there, or is somebody else's, is answered with 404 */
	handle(sessionId: string, exchange: Exchange): Promise<void>;
	/** The revision that the session speaks; undefined where there is no such session, or it is somebody else's. */
	versionOf(sessionId: string, owner: string | undefined): string | undefined;
	open(exchange: Exchange): Promise<void>;
}

export interface SessionRequestsOptions {
	readonly gateway: Gateway;
	readonly sessions: Sessions;
	/** Whether tool calls may be answered without the SDK in between. */
	readonly direct: boolean;
}

export function createSessionRequests({ gateway, sessions, direct }: SessionRequestsOptions): SessionRequests {
	async function serve(session: Session, sessionId: string, exchange: Exchange): Promise<void> {
		const { request, response, body, origin } = exchange;
		response.once("close", session.use());
		session.principal = origin.principal;
		cancelDirectCall(session, body);
		const lastEventId = request.method === "GET" ? header(request, "last-event-id") : undefined;
		if (lastEventId !== undefined && !session.canResumeAfter(lastEventId)) {
			return refuse(response, 400, "This event is not kept: open a stream without Last-Event-ID");
		}
		if (request.method === "GET" && (lastEventId === undefined || isStandaloneEvent(lastEventId))) {
			// A client has one such stream. A newer one means that it has given up the one before, which may be half open for
			// long: the other end is gone, and nobody has said so.
			if (lastEventId === undefined) session.transport.closeStandaloneSSEStream();
			session.state.stream.add(response, lastEventId !== undefined);
		}
		const isGone = (): boolean => response.closed && !session.opensStreams();
		const general = (takeCall?: TakeCall): Promise<void> =>
			requestScope.run({ origin, isGone, ...(takeCall !== undefined && { takeCall }) }, () =>
				session.transport.handleRequest(request, response, body),
			);
		const message = direct && request.method === "POST" && hasLegacyHeaders(request) ? asToolCall(body) : undefined;
		if (message === undefined || session.server.getNegotiatedProtocolVersion() === undefined) return general();
		const key = requestKey(message.id);
		return serveDirectly(
			gateway,
			{
				era: "legacy",
				message,
				origin: session.state.origin(origin),
				sessionId,
				cancelOnClose: false,
				handOverAfterMs: HAND_OVER_AFTER_MS,
				general,
				onBegun: (call) => session.directCalls.set(key, call),
				onEnded(call) {
					// A client that has lost one call may have reused its id.
					if (session.directCalls.get(key) === call) session.directCalls.delete(key);
				},
			},
			response,
		);
	}

	return {
		async handle(sessionId, exchange) {
			const session = sessions.find(sessionId, ownerOf(exchange.origin));
			if (session !== undefined) return serve(session, sessionId, exchange);
			return refuse(exchange.response, 404, "Session not found: initialize a new one", SESSION_NOT_FOUND);
		},
		versionOf: (sessionId, owner) => sessions.find(sessionId, owner)?.server.getNegotiatedProtocolVersion(),
		async open({ request, response, body, origin }) {
			if (JSON.stringify(body).length > MAX_INITIALIZE_LENGTH) {
				return refuse(
					response,
					413,
					`initialize has at most ${MAX_INITIALIZE_LENGTH} characters: it is kept as long as its session`,
				);
			}
			const session = await sessions.open(ownerOf(origin), origin.client);
			if (session === undefined) {
				response.setHeader("retry-after", "60");
				return refuse(response, 503, "Too many sessions are open: end one with DELETE, or try again later");
			}
			response.once("close", session.use());
			await requestScope.run({ origin }, () => session.transport.handleRequest(request, response, body));
			// A refused initialize leaves nothing behind.
			if (session.transport.sessionId === undefined) await session.transport.close();
		},
	};
}

/** A call that is still running then gets its event stream, so that its client can lose the connection and come back. */
const HAND_OVER_AFTER_MS = 250;
const SESSION_NOT_FOUND = -32001;
const MAX_INITIALIZE_LENGTH = 65_536;

/** The SDK knows nothing of a call that is answered directly, so its cancellation is seen to here. */
function cancelDirectCall(session: Session, body: unknown): void {
	const id = paramsOf(body, "notifications/cancelled")?.["requestId"];
	if (typeof id !== "string" && typeof id !== "number") return;
	session.directCalls.get(requestKey(id))?.cancel("the client has cancelled it");
}

/** 1 and "1" are two requests. */
function requestKey(id: string | number): string | number {
	return typeof id === "number" ? id : `"${id}`;
}
