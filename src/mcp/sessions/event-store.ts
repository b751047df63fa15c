import type { EventStore, JSONRPCMessage } from "@modelcontextprotocol/server";

/** Keeps what was sent on the event streams of all sessions, for clients that lost a connection (`Last-Event-ID`). */
export interface EventStores {
	/** A store for one session. */
	create(): SessionEventStore;
	/** Bytes kept, of all sessions. */
	size(): number;
}

/**
 * Without `getStreamIdForEventId`, with which the SDK refuses a client that comes back before the host has noticed that its
 * old connection is gone. The new connection takes the stream over.
 */
export interface SessionEventStore extends EventStore {
	/** Whether a client can go on after this event. Of one that is gone, what came after it may be gone too. */
	has(eventId: string): boolean;
	/** The session has ended. */
	close(): void;
}

/** Whether an event was sent on the stream that a client opens for what belongs to none of its requests. */
export function isStandaloneEvent(eventId: string): boolean {
	return eventId.startsWith(STANDALONE_STREAM);
}

export interface EventStoreLimits {
	/** The oldest events of a session go when it holds more than this. */
	readonly maxSessionBytes: number;
	/** The oldest events of whatever session go when all together hold more than this. */
	readonly maxTotalBytes: number;
}

export const EVENT_STORE_LIMITS: EventStoreLimits = { maxSessionBytes: 1 << 20, maxTotalBytes: 64 << 20 };

export function createEventStores({ maxSessionBytes, maxTotalBytes }: EventStoreLimits): EventStores {
	/** Of all sessions, the oldest first. */
	const all = new Set<StoredEvent>();
	let totalBytes = 0;

	function drop(event: StoredEvent): void {
		if (!all.delete(event)) return;
		event.session.events.delete(event.id);
		event.session.bytes -= event.bytes;
		totalBytes -= event.bytes;
	}

	function keep(event: StoredEvent): void {
		all.add(event);
		event.session.events.set(event.id, event);
		event.session.bytes += event.bytes;
		totalBytes += event.bytes;
		while (event.session.bytes > maxSessionBytes) {
			const [oldest] = event.session.events.values();
			if (oldest === undefined) break;
			drop(oldest);
		}
		while (totalBytes > maxTotalBytes) {
			const [oldest] = all;
			if (oldest === undefined) break;
			drop(oldest);
		}
	}

	return {
		create() {
			const session: SessionEvents = { events: new Map(), bytes: 0 };
			let lastNumber = 0;
			return {
				async storeEvent(streamId, message) {
					lastNumber += 1;
					const id = `${streamId}_${lastNumber}`;
					const bytes = EVENT_OVERHEAD_BYTES + 2 * JSON.stringify(message).length;
					keep({ id, streamId, message, bytes, session });
					return id;
				},
				has: (id) => session.events.has(id),
				async replayEventsAfter(lastEventId, { send }) {
					const last = session.events.get(lastEventId);
					if (last === undefined) throw new Error(`event ${lastEventId} is not kept`);
					let after = false;
					for (const event of [...session.events.values()]) {
						if (after && event.streamId === last.streamId && !isPriming(event.message))
							await send(event.id, event.message);
						after ||= event === last;
					}
					return last.streamId;
				},
				close() {
					for (const event of [...session.events.values()]) drop(event);
				},
			};
		},
		size: () => totalBytes,
	};
}

interface SessionEvents {
	/** The oldest first. */
	readonly events: Map<string, StoredEvent>;
	bytes: number;
}

interface StoredEvent {
	readonly id: string;
	readonly streamId: string;
	readonly message: JSONRPCMessage;
	readonly bytes: number;
	readonly session: SessionEvents;
}

/** The name that the SDK's transport gives that stream. */
const STANDALONE_STREAM = "_GET_stream_";

/** The objects and index entries around an event's text, roughly. */
const EVENT_OVERHEAD_BYTES = 400;

/** The transport opens each stream with an empty event, only to give the client an id to resume from. */
function isPriming(message: JSONRPCMessage): boolean {
	return Object.keys(message).length === 0;
}
