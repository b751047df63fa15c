import {
	type McpServer,
	type MessageExtraInfo,
	ProtocolError,
	ProtocolErrorCode,
	type ServerContext,
} from "@modelcontextprotocol/server";
import { nameNewMethods } from "./registering-function.ts";
import { readAsListed } from "./resource-reads.ts";
import { InFlight } from "../wire/in-flight.ts";
import type { CallTransport } from "./call-transport.ts";
import { MAX_SESSION_LENGTH } from "../wire/messages.ts";

/** Fits a server of the SDK, which is made for one client, to a transport that carries the requests of many. */
export function hookServer(server: McpServer, transport: CallTransport): void {
	nameNewMethods(server);
	watchHandlers(server, transport);
	passRefusals(server, transport);
	keepInFlight(server);
	readAsListed(server);
	addressMessages(server, transport);
	transport.onretired = () => server.server.onclose?.();
}

/** Every handler is set through these two methods, those that the SDK sets for what a module registers too. */
function watchHandlers({ server }: McpServer, transport: CallTransport): void {
	const set = server.setRequestHandler.bind(server) as (...args: unknown[]) => void;
	const setForNotification = server.setNotificationHandler.bind(server) as typeof set;
	const watching =
		(register: typeof set) =>
		(...args: unknown[]): void => {
			const handler = args.pop();
			register(...args, typeof handler === "function" ? transport.watched(handler as () => unknown) : handler);
		};
	server.setRequestHandler = watching(set);
	server.setNotificationHandler = watching(setForNotification);
}

/**
 * The SDK (2.4) makes a result of whatever a tool throws, save for -32042. A tool that refuses a client for want of a
 * capability means the error that the 2026-07-28 revision has for it.
 */
function passRefusals(server: McpServer, transport: CallTransport): void {
	const own = server as unknown as { executeToolHandler?: (...args: unknown[]) => Promise<unknown> };
	const execute = own.executeToolHandler?.bind(server);
	if (execute === undefined) return;
	own.executeToolHandler = async (...args) => {
		try {
			return await execute(...args);
		} catch (error) {
			if (error instanceof ProtocolError && error.code === ProtocolErrorCode.MissingRequiredClientCapability) {
				transport.refuse(error);
			} else transport.failed(error);
			throw error;
		}
	};
}

/** The SDK (2.4) has the requests that it works on in a Map. Their numbers are those of `CallTransport`. */
function keepInFlight({ server }: McpServer): void {
	const own: { _requestHandlerAbortControllers?: unknown } = server as object;
	if (own._requestHandlerAbortControllers instanceof Map) own._requestHandlerAbortControllers = new InFlight();
}

/**
 * What `ctx.mcpReq` notifies and logs belongs to the request of this context, also after its end and whatever code runs then.
 * The SDK (2.4) itself refuses it after the end. Only for a server whose requests have sessions: the others have nobody to
 * send to then, and nothing to pay for it with each call.
 */
export function addressContexts({ server }: McpServer, transport: CallTransport): void {
	const own = server as unknown as { buildContext?: BuildContext };
	const build = own.buildContext?.bind(server);
	if (build === undefined) return;
	own.buildContext = (context, extra) => {
		context.mcpReq.notify = transport.fromHere(context.mcpReq.notify);
		return build(context, extra);
	};
}
type BuildContext = (context: ServerContext, extra?: MessageExtraInfo) => ServerContext;

/** With the SDK a server has one session. Here a message belongs to the session that is named, or whose call made it. */
function addressMessages({ server }: McpServer, transport: CallTransport): void {
	const log = server.sendLoggingMessage.bind(server);
	server.sendLoggingMessage = async (params, sessionId) => {
		// Modules are JavaScript too: what is no session's id names no session.
		if (typeof sessionId !== "string" || sessionId.length > MAX_SESSION_LENGTH) return log(params);
		return transport.toSession(sessionId, () => log(params, sessionId));
	};
	const createNotifier = server.createElicitationCompletionNotifier.bind(server);
	server.createElicitationCompletionNotifier = (...args) => transport.fromHere(createNotifier(...args));
}
