import { setTimeout as delay } from "node:timers/promises";
import type { Server } from "@modelcontextprotocol/server";
import { ROOTS_CHANGED } from "../../../workers/wire/messages.ts";
import { createClientRequests } from "../protocol/client-requests.ts";
import type { Gateway } from "../calls/gateway.ts";
import { passesLogLevel } from "../protocol/log-level.ts";
import { currentOrigin } from "../calls/request-context.ts";
import { type CallClient, NOBODY } from "../calls/call-relay.ts";
import type { CallOrigin } from "../calls/call.ts";
import type { SessionState } from "./session-state.ts";

export interface RootChangesOptions {
	readonly server: Server;
	readonly state: SessionState;
	readonly gateway: Pick<Gateway, "tell">;
	readonly onError: (error: Error) => void;
}

/**
 * Tells the modules that a session has called when its client's roots have changed, so that they can ask it for them. A
 * module that is still at it when the client says so again is told once more when it is done; one that has no room for
 * another call, when it has.
 */
export function passOnRootChanges({ server, state, gateway, onError }: RootChangesOptions): void {
	/** Modules that have not been told yet of what the client has said last, and those that are being told. */
	const due = new Set<string>();
	const telling = new Set<string>();

	server.setNotificationHandler(ROOTS_CHANGED, async () => {
		const origin = state.origin(currentOrigin());
		for (const id of state.called) due.add(id);
		await Promise.all([...state.called].map((id) => tell(id, origin)));
	});

	async function tell(id: string, origin: CallOrigin): Promise<void> {
		if (telling.has(id)) return;
		telling.add(id);
		try {
			while (state.isOpen() && due.delete(id)) {
				if (await gateway.tell(id, ROOTS_CHANGED, origin, client)) continue;
				due.add(id);
				await delay(RETRY_MS, undefined, { ref: false });
			}
		} finally {
			telling.delete(id);
		}
	}

	const ask = createClientRequests({
		capabilities: () => server.getClientCapabilities(),
		send: server.request.bind(server),
	});
	/** What modules send and ask meanwhile goes to the stream that the client has opened for what belongs to no request. */
	const client: CallClient = {
		notify(notification) {
			if (!passesLogLevel(notification, state.logLevel)) return;
			if (!state.stream.isStalled()) server.notification(notification as never).catch(onError);
		},
		closeStream: () => undefined,
		async ask(...asked) {
			const canBeAsked = (await state.stream.opened(STREAM_TIMEOUT_MS)) && !state.stream.isStalled();
			return canBeAsked ? ask(...asked) : NOBODY.ask(...asked);
		},
	};
}

/** For a module that is busy. */
const RETRY_MS = 1000;
/** Longer than it takes a client to open its stream, or to come back to it. */
const STREAM_TIMEOUT_MS = 3000;
