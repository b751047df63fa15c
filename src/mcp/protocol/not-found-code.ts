import type { JSONRPCMessage, Server } from "@modelcontextprotocol/server";
import { NOT_FOUND_TEXT, RESOURCE_NOT_FOUND } from "../calls/protocol-errors.ts";
import { isRecord } from "../../../workers/wire/json.ts";

const INVALID_PARAMS = -32_602;

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
