import type { ServerResponse } from "node:http";
import type { Server, ServerEvent } from "@modelcontextprotocol/server";

/** Tells one client that lists and resources have changed. */
export interface ChangeNotices {
	/**
	 * Tells the client at once; of one that does not read, keeps what it is to be told of, each list and resource once
	 * however often it changes.
	 */
	tell(change: ServerEvent): void;
	/** Tells the client what was kept: it has read all that was sent before. */
	resume(): void;
}

export interface ChangeNoticesOptions {
	/** Whether the client has left off reading. */
	readonly isStalled: () => boolean;
	/** The resources that the client wants to hear of, which bound what is kept. */
	readonly subscriptions: ReadonlySet<string>;
	readonly send: (change: ServerEvent) => void;
}

export function createChangeNotices({ isStalled, subscriptions, send }: ChangeNoticesOptions): ChangeNotices {
	const kept = new Map<string, ServerEvent>();

	const isWanted = (change: ServerEvent): boolean =>
		change.kind !== "resource_updated" || subscriptions.has(change.uri);

	return {
		tell(change) {
			if (!isWanted(change)) return;
			if (isStalled()) kept.set(keyOf(change), change);
			else send(change);
		},
		resume() {
			const changes = [...kept.values()];
			kept.clear();
			for (const change of changes) if (isWanted(change)) send(change);
		},
	};
}

/** Calls back whenever the client of an event stream has read all that was sent on it. */
export function onCaughtUp(response: ServerResponse, caughtUp: () => void): void {
	response.on("drain", () => {
		// What waited for this is written now. Only if that fits, too, nothing waits in the stream behind the response.
		setImmediate(() => {
			if (!response.writableNeedDrain) caughtUp();
		});
	});
}

/** Sends the notification that a 2025-era client knows the change by. */
export function sendChange(server: Server, change: ServerEvent): Promise<void> {
	switch (change.kind) {
		case "tools_list_changed":
			return server.sendToolListChanged();
		case "prompts_list_changed":
			return server.sendPromptListChanged();
		case "resources_list_changed":
			return server.sendResourceListChanged();
		case "resource_updated":
			return server.sendResourceUpdated({ uri: change.uri });
	}
}

function keyOf(change: ServerEvent): string {
	return change.kind === "resource_updated" ? `${change.kind} ${change.uri}` : change.kind;
}
