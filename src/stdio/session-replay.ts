import {
	isInitializedNotification,
	isInitializeRequest,
	type JSONRPCErrorResponse,
	type JSONRPCNotification,
	type JSONRPCRequest,
	type JSONRPCResultResponse,
} from "@modelcontextprotocol/server";

/** What a client has told its 2025-era session, for a new session that is to know the same. */
export interface SessionMemory {
	/** @param answer the host's, to a request: what it has refused is not kept */
	keep(message: JSONRPCRequest | JSONRPCNotification, answer?: JSONRPCResultResponse | JSONRPCErrorResponse): void;
	/** In the order in which a new session wants them: the handshake first. */
	messages(): readonly (JSONRPCRequest | JSONRPCNotification)[];
	/** Whether there never was a session. */
	isEmpty(): boolean;
}

export function createSessionMemory(): SessionMemory {
	const kept = new Map<string, JSONRPCRequest | JSONRPCNotification>();
	return {
		keep(message, answer) {
			if (answer !== undefined && !("result" in answer)) return;
			if (isInitializeRequest(message)) kept.clear();
			if (message.method === "resources/unsubscribe") kept.delete(`resources/subscribe ${uriOf(message)}`);
			const key = keyOf(message);
			if (key !== undefined && (kept.has(key) || kept.size < MAX_KEPT)) kept.set(key, message);
		},
		messages: () => [...kept.values()],
		isEmpty: () => kept.size === 0,
	};
}

/** Above the subscriptions that a session of ours may have. */
const MAX_KEPT = 2000;

/** A later message with the same key replaces the earlier one, in its place; undefined for what a session forgets. */
function keyOf(message: JSONRPCRequest | JSONRPCNotification): string | undefined {
	if (isInitializeRequest(message) || isInitializedNotification(message)) return message.method;
	if (message.method === "logging/setLevel") return message.method;
	return message.method === "resources/subscribe" ? `${message.method} ${uriOf(message)}` : undefined;
}

function uriOf({ params }: JSONRPCRequest | JSONRPCNotification): string {
	return String(params?.["uri"]);
}
