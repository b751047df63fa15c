import { randomUUID } from "node:crypto";
import { NodeStreamableHTTPServerTransport } from "@modelcontextprotocol/node";
import type { Server } from "@modelcontextprotocol/server";

/** Sessions of the 2025 era: one transport and one server each, until the client ends it or goes quiet. */
export interface Sessions {
	/** A transport for an `initialize` request, connected to a server; undefined when there are as many as allowed. */
	open(): Promise<NodeStreamableHTTPServerTransport | undefined>;
	/** The transport of a session; the call counts as a sign of life. */
	find(sessionId: string): NodeStreamableHTTPServerTransport | undefined;
	servers(): Iterable<Session>;
	close(): Promise<void>;
}

export interface Session {
	readonly server: Server;
	/** Resources that the client wants to hear of. */
	readonly subscriptions: ReadonlySet<string>;
}

export interface SessionsOptions {
	readonly createServer: () => Server;
	readonly max: number;
	readonly idleTimeoutMs: number;
	readonly now: () => number;
	readonly onError: (error: Error) => void;
	readonly onCount: (count: number) => void;
}

/** Bounds what one client can make the host remember. */
const MAX_SUBSCRIPTIONS = 1000;
const SWEEPS_PER_TIMEOUT = 4;

export function createSessions(options: SessionsOptions): Sessions {
	const sessions = new Map<string, OpenSession>();
	const opening = new Set<NodeStreamableHTTPServerTransport>();
	const sweep = setInterval(closeIdle, Math.max(1, options.idleTimeoutMs / SWEEPS_PER_TIMEOUT));
	sweep.unref();

	function closeIdle(): void {
		const before = options.now() - options.idleTimeoutMs;
		for (const session of [...sessions.values()]) {
			if (session.lastUsedAt < before) session.transport.close().catch(options.onError);
		}
	}

	return {
		async open() {
			if (sessions.size + opening.size >= options.max) return undefined;
			const server = options.createServer();
			const subscriptions = trackSubscriptions(server);
			const transport = new NodeStreamableHTTPServerTransport({
				sessionIdGenerator: randomUUID,
				onsessioninitialized: (id) => {
					opening.delete(transport);
					sessions.set(id, { transport, server, subscriptions, lastUsedAt: options.now() });
					options.onCount(sessions.size);
				},
			});
			opening.add(transport);
			await server.connect(transport);
			server.onclose = () => {
				opening.delete(transport);
				if (transport.sessionId !== undefined && sessions.delete(transport.sessionId)) options.onCount(sessions.size);
			};
			return transport;
		},
		find(sessionId) {
			const session = sessions.get(sessionId);
			if (session !== undefined) session.lastUsedAt = options.now();
			return session?.transport;
		},
		servers: () => sessions.values(),
		async close() {
			clearInterval(sweep);
			await Promise.all(
				[...[...sessions.values()].map((session) => session.transport), ...opening].map((open) => open.close()),
			);
		},
	};
}

interface OpenSession extends Session {
	readonly transport: NodeStreamableHTTPServerTransport;
	lastUsedAt: number;
}

function trackSubscriptions(server: Server): ReadonlySet<string> {
	const subscriptions = new Set<string>();
	server.setRequestHandler("resources/subscribe", ({ params }) => {
		if (subscriptions.size >= MAX_SUBSCRIPTIONS) {
			throw new Error(`a session may subscribe to ${MAX_SUBSCRIPTIONS} resources; unsubscribe from some first`);
		}
		subscriptions.add(params.uri);
		return {};
	});
	server.setRequestHandler("resources/unsubscribe", ({ params }) => {
		subscriptions.delete(params.uri);
		return {};
	});
	return subscriptions;
}
