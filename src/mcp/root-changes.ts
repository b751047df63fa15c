import type { Server } from "@modelcontextprotocol/server";
import { ROOTS_CHANGED } from "../../workers/protocol.ts";
import { createClientRequests } from "./client-requests.ts";
import type { Gateway } from "./gateway.ts";
import { passesLogLevel } from "./log-level.ts";
import type { SessionState } from "./protocol-server.ts";
import { requestScope } from "./request-scope.ts";
import { type CallClient, NOBODY } from "./running-call.ts";

export interface RootChangesOptions {
	readonly server: Server;
	readonly state: SessionState;
	readonly gateway: Pick<Gateway, "tell">;
	readonly onError: (error: Error) => void;
}

/**
 * Tells the modules that a session has called when its client's roots have changed, so that they can ask it for them. A
 * client that says so again meanwhile has them told once more, when they are done.
 */
export function passOnRootChanges({ server, state, gateway, onError }: RootChangesOptions): void {
	let telling = false;
	let again = false;

	server.setNotificationHandler(ROOTS_CHANGED, async () => {
		again = true;
		if (telling) return;
		telling = true;
		const origin = state.origin(requestScope.getStore()?.origin ?? { client: "" });
		try {
			while (again) {
				again = false;
				await Promise.all([...state.called].map((id) => gateway.tell(id, ROOTS_CHANGED, origin, client)));
			}
		} finally {
			telling = false;
		}
	});

	const ask = createClientRequests({
		capabilities: () => server.getClientCapabilities(),
		send: server.request.bind(server),
	});
	/** What modules send and ask meanwhile goes to the stream that the client has opened for what belongs to no request. */
	const client: CallClient = {
		notify(notification) {
			if (
				notification.method === "notifications/message" &&
				!passesLogLevel(notification.params["level"], state.logLevel)
			)
				return;
			if (!state.stream.isStalled()) server.notification(notification as never).catch(onError);
		},
		closeStream: () => undefined,
		async ask(...asked) {
			const canBeAsked = (await state.stream.opened(STREAM_TIMEOUT_MS)) && !state.stream.isStalled();
			return canBeAsked ? ask(...asked) : NOBODY.ask(...asked);
		},
	};
}

/** Longer than it takes a client to open its stream, or to come back to it. */
const STREAM_TIMEOUT_MS = 3000;
