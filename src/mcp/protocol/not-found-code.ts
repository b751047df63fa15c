import type { JSONRPCMessage, Server } from "@modelcontextprotocol/server";
import { isRecord } from "../../../workers/wire/json.ts";

/** "Resource not found", up to 2025-11-25. Later revisions have -32602 for it. */
export const RESOURCE_NOT_FOUND = -32_002;
const INVALID_PARAMS = -32_602;

/** How both SDKs, and this host, begin to say that there is no such resource. */
export const NOT_FOUND_TEXT = "Resource not found";

/**
 * Gives 2025-era clients the code of their revisions for a resource that is not there. The SDK (2.4) writes the later one to
 * them as well, whatever is thrown.
 */
export function useLegacyNotFoundCode(server: Server): void {
	const connect = server.connect.bind(server);
	server.connect = (transport) => {
		const send = transport.send.bind(transport);
		transport.send = (message, options) => send(withLegacyCode(message), options);
		return connect(transport);
	};
}

function withLegacyCode(message: JSONRPCMessage): JSONRPCMessage {
	if (!("error" in message) || message.error.code !== INVALID_PARAMS) return message;
	const { data } = message.error;
	const isNotFound =
		isRecord(data) && typeof data["uri"] === "string" && message.error.message.startsWith(NOT_FOUND_TEXT);
	return isNotFound ? { ...message, error: { ...message.error, code: RESOURCE_NOT_FOUND } } : message;
}
