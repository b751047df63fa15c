import { createHash, randomUUID } from "node:crypto";
import { NodeStreamableHTTPServerTransport } from "@modelcontextprotocol/node";
import type { Server } from "@modelcontextprotocol/server";
import type { ClientDto, ClientKindDto } from "../../../workers/wire/messages.ts";
import { type ChangeNotices, createChangeNotices, sendChange } from "./change-notifier.ts";
import { createEventStores, EVENT_STORE_LIMITS } from "./event-store.ts";
import { InFlight } from "../../../workers/wire/in-flight.ts";
import type { Principal } from "../../auth/principal.ts";
import { ownerOf } from "../calls/call.ts";
import type { RunningCall } from "../calls/call-relay.ts";
import { StandaloneStream } from "./session-stream.ts";
import type { SessionState } from "./session-state.ts";

/** Sessions of the 2025 era: one transport and one server each, until the client ends it or goes quiet. */
export interface Sessions {
	/**
	 * A session for an `initialize` request. When there are as many as allowed, one that was never used gives way, of the client
	 * that has most; undefined when there is none.
	 *
	 * @param owner who opens it; nobody else finds it
	 * @param client where the request comes from
	 */
	open(owner: string | undefined, client: string): Promise<Session | undefined>;
	find(sessionId: string, owner: string | undefined): Session | undefined;
	/** @param address what modules know the session by; it has one from its first call of a module on */
	at(address: string): Session | undefined;
	all(): Iterable<Session>;
	count(): number;
	close(): Promise<void>;
}

export interface Session {
	readonly transport: NodeStreamableHTTPServerTransport;
	readonly server: Server;
	/** Tells its client of lists, and of the resources that it has subscribed to. */
	readonly changes: ChangeNotices;
	/** Calls that are answered without the SDK, by `requestKey` of their request id. */
	readonly directCalls: InFlight<RunningCall, string | number>;
	readonly state: SessionState;
	/** Who has sent its latest request: the same as ever, with what it may see now. */
	principal: Principal | undefined;
	canResumeAfter(eventId: string): boolean;
	/** Whether each event stream begins with an event, so that its client can come back to it whatever it has received. */
	opensStreams(): boolean;
	/** A request has arrived: the session is not idle before the function returned has been called. */
	use(): () => void;
}

export interface SessionsOptions {
	readonly createServer: (state: SessionState) => Server;
	readonly max: number;
	readonly idleTimeoutMs: number;
	/** Milliseconds on a clock that only goes forward. */
	readonly now: () => number;
	readonly onError: (error: Error) => void;
	readonly onCount: (count: number) => void;
	/** @param session what the log may know of it, which does not open it: as `ClientDto.session` */
	readonly onChange?: (change: "session_open" | "session_close", session: string) => void;
}

/** Between signs of life on an event stream. */
const KEEP_ALIVE_MS = 10_000;
/** Bounds what one client can make the host remember. */
const MAX_SUBSCRIPTIONS = 1000;
/** Characters of one resource's URI, as long as modules may name one, and of all that a session subscribes to. */
const MAX_URI_LENGTH = 8192;
const MAX_SUBSCRIBED_LENGTH = 262_144;
/** `initialize`, and the notification that follows. */
const USES_OF_OPENING = 2;
const SWEEPS_PER_TIMEOUT = 4;
/** What a client that lost its stream is told to wait before it comes back. */
const RETRY_INTERVAL_MS = 1000;

export function createSessions(options: SessionsOptions): Sessions {
	const sessions = new Map<string, OpenSession>();
	const byAddress = new Map<string, OpenSession>();
	const opening = new Set<OpenSession>();
	const stores = createEventStores(EVENT_STORE_LIMITS);
	const sweep = setInterval(closeIdle, Math.max(1, options.idleTimeoutMs / SWEEPS_PER_TIMEOUT));
	sweep.unref();

	function closeIdle(): void {
		const before = options.now() - options.idleTimeoutMs;
		for (const session of [...sessions.values()]) {
			if (session.inUse === 0 && session.lastUsedAt < before) session.transport.close().catch(options.onError);
		}
	}

	/**
	 * Ends a session that gives way to one of this client: that of a client which has opened it and left it, or else the one that
	 * is idle longest, of a client that has more than this one.
	 */
	async function makeRoom(client: string): Promise<boolean> {
		const counts = new Map<string, number>();
		for (const session of sessions.values()) counts.set(session.client, (counts.get(session.client) ?? 0) + 1);
		const [most, count] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a), ["", 0]);
		const idle = [...sessions.values()].filter((session) => session.client === most && session.inUse === 0);
		const own = counts.get(client) ?? 0;
		const victim =
			idle.find(({ uses }) => uses <= USES_OF_OPENING) ??
			(count > own + 1 ? idle.toSorted((a, b) => a.lastUsedAt - b.lastUsedAt)[0] : undefined);
		await victim?.transport.close();
		return victim !== undefined;
	}

	return {
		async open(owner, client) {
			if (sessions.size + opening.size >= options.max && !(await makeRoom(client))) return undefined;
			const store = stores.create();
			const transport = new NodeStreamableHTTPServerTransport({
				sessionIdGenerator: randomUUID,
				eventStore: store,
				retryInterval: RETRY_INTERVAL_MS,
				keepAliveMs: KEEP_ALIVE_MS,
				onsessioninitialized(id) {
					opening.delete(session);
					sessions.set(id, session);
					options.onCount(sessions.size);
					options.onChange?.("session_open", addressOf(id));
				},
			});
			const isOpen = (): boolean => transport.sessionId !== undefined && sessions.has(transport.sessionId);
			let described: ClientDto | undefined;
			const called = new Set<string>();
			const state: SessionState = {
				logLevel: undefined,
				stream: new StandaloneStream(() => {
					if (isOpen()) changes.resume();
				}),
				called,
				isOpen,
				origin(from) {
					if (described === undefined) {
						described = describeClient(server, transport.sessionId ?? "");
						// What is said last in a session may still be on its way when it ends.
						if (isOpen()) byAddress.set(described.session, session);
					}
					return { ...from, client: ownerOf(from) ?? described.session, session: described, called };
				},
			};
			const server = options.createServer(state);
			const changes = createChangeNotices({
				isStalled: () => state.stream.isStalled(),
				subscriptions: trackSubscriptions(server),
				send: (change) => void sendChange(server, change).catch(options.onError),
			});
			const session: OpenSession = {
				transport,
				server,
				owner,
				client,
				uses: 0,
				changes,
				directCalls: new InFlight(),
				principal: undefined,
				state,
				canResumeAfter: store.has,
				opensStreams: () => isResumable(server),
				lastUsedAt: options.now(),
				inUse: 0,
				use() {
					session.inUse += 1;
					session.uses += 1;
					let done = false;
					return () => {
						if (done) return;
						done = true;
						session.inUse -= 1;
						session.lastUsedAt = options.now();
					};
				},
			};
			opening.add(session);
			await server.connect(transport);
			server.onclose = () => {
				opening.delete(session);
				store.close();
				if (described !== undefined) byAddress.delete(described.session);
				for (const call of session.directCalls.values()) call.cancel("the session has ended");
				if (transport.sessionId === undefined || !sessions.delete(transport.sessionId)) return;
				options.onCount(sessions.size);
				options.onChange?.("session_close", addressOf(transport.sessionId));
			};
			return session;
		},
		find(sessionId, owner) {
			const session = sessions.get(sessionId);
			return session !== undefined && session.owner === owner ? session : undefined;
		},
		at: (address) => byAddress.get(address),
		all: () => sessions.values(),
		count: () => sessions.size,
		async close() {
			clearInterval(sweep);
			await Promise.all([...sessions.values(), ...opening].map(({ transport }) => transport.close()));
		},
	};
}

interface OpenSession extends Session {
	readonly owner: string | undefined;
	/** Where the request came from that opened it. */
	readonly client: string;
	/** Requests so far. */
	uses: number;
	lastUsedAt: number;
	/** Requests and streams that are open. */
	inUse: number;
}

/** The first revision whose clients know that a stream may be closed on purpose. */
const RESUMABLE_SINCE = "2025-11-25";

/** What a module learns of a session's client. The session's id opens the session and does not leave main. */
function describeClient(server: Server, sessionId: string): ClientDto {
	const protocolVersion = versionOf(server);
	const kind: ClientKindDto = {
		protocolVersion,
		info: { ...(server.getClientVersion() ?? { name: "unknown", version: "0" }) },
		capabilities: { ...server.getClientCapabilities() },
	};
	return { session: addressOf(sessionId), resumable: isResumable(server), kind: JSON.stringify(kind) };
}

function addressOf(sessionId: string): string {
	return createHash("sha256").update(sessionId).digest("base64url").slice(0, 22);
}

function versionOf(server: Server): string {
	return server.getNegotiatedProtocolVersion() ?? "2025-03-26";
}

function isResumable(server: Server): boolean {
	return versionOf(server) >= RESUMABLE_SINCE;
}

function trackSubscriptions(server: Server): ReadonlySet<string> {
	const subscriptions = new Set<string>();
	let length = 0;
	server.setRequestHandler("resources/subscribe", ({ params: { uri } }) => {
		if (subscriptions.has(uri)) return {};
		if (uri.length > MAX_URI_LENGTH || length + uri.length > MAX_SUBSCRIBED_LENGTH) {
			throw new Error(
				`a URI has at most ${MAX_URI_LENGTH} characters, and those that a session subscribes to ${MAX_SUBSCRIBED_LENGTH} together`,
			);
		}
		if (subscriptions.size >= MAX_SUBSCRIPTIONS) {
			throw new Error(`a session may subscribe to ${MAX_SUBSCRIPTIONS} resources; unsubscribe from some first`);
		}
		subscriptions.add(uri);
		length += uri.length;
		return {};
	});
	server.setRequestHandler("resources/unsubscribe", ({ params }) => {
		if (subscriptions.delete(params.uri)) length -= params.uri.length;
		return {};
	});
	return subscriptions;
}
