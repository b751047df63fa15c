import { type JSONRPCMessage, McpServer } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import type { McpModule, ModuleContext } from "../contract.ts";
import type { ClientKindDto, StartDto } from "../wire/messages.ts";
import { CallTransport, type InstanceListeners } from "./call-transport.ts";
import type { RequestContext } from "../wire/rpc-server.ts";
import { keepRegistrations, type Registrations } from "./registrations.ts";
import { addressContexts, hookServer } from "./server-hooks.ts";

export interface InstancesOptions extends InstanceListeners {
	readonly register: McpModule;
	readonly context: ModuleContext;
	readonly serverInfo: StartDto["serverInfo"];
}

/**
 * The servers that one run of the module's function at a time has built: one for the 2026-07-28 era, one for 2025-era
 * requests without a session, and one for each kind of 2025-era client. The SDK keeps what a client said of itself in the
 * server (its capabilities decide whether `elicitInput` throws), so clients that said different things need different
 * servers; those that said the same share one.
 */
export interface Instances {
	readonly modern: CallTransport;
	/** @param kind JSON text of a `ClientKindDto`; undefined for a request without a session */
	legacy(kind: string | undefined): CallTransport | Promise<CallTransport>;
	/** What the module has registered on the server behind a transport. */
	registrations(transport: CallTransport): Registrations;
	/** Lets each server finish its running calls, then calls its `onclose`. */
	retire(): void;
}

/** Clients of more kinds than this, in the order of their last call, get their server built again. */
const MAX_CLIENT_KINDS = 16;

export async function buildInstances(options: InstancesOptions): Promise<Instances> {
	const kinds = new Map<string, Promise<CallTransport>>();
	const registrations = new WeakMap<CallTransport, Registrations>();
	const create = async (transport: CallTransport): Promise<McpServer> => {
		const server = new McpServer({ ...options.serverInfo }, { capabilities: { logging: {} } });
		hookServer(server, transport);
		registrations.set(transport, keepRegistrations(server));
		await options.register(server, options.context);
		return server;
	};
	const connect = async (forSessions: boolean): Promise<CallTransport> => {
		const transport = new CallTransport(options);
		const server = await create(transport);
		if (forSessions) addressContexts(server, transport);
		await server.connect(transport);
		return transport;
	};
	const anonymous = await connect(false);
	const modern = await connectModern(create, options);

	function forKind(kind: string): Promise<CallTransport> {
		const known = kinds.get(kind);
		const transport =
			known ?? connect(true).then((connected) => initialize(connected, JSON.parse(kind) as ClientKindDto));
		kinds.delete(kind); // to the end: the Map's order is the order of use
		kinds.set(kind, transport);
		if (known === undefined) transport.catch(() => kinds.delete(kind));
		for (const [oldest, unused] of kinds) {
			if (kinds.size <= MAX_CLIENT_KINDS) break;
			kinds.delete(oldest);
			retire(unused);
		}
		return transport;
	}

	return {
		modern,
		registrations: (transport) => registrations.get(transport) ?? NOTHING_REGISTERED,
		legacy: (kind) => (kind === undefined ? anonymous : forKind(kind)),
		retire() {
			anonymous.retire();
			modern.retire();
			for (const transport of kinds.values()) retire(transport);
		},
	};
}

const NOTHING_REGISTERED: Registrations = { tools: new Map(), prompts: new Map() };

/** A server of the 2026-07-28 era. */
async function connectModern(
	create: (transport: CallTransport) => Promise<McpServer>,
	listeners: InstanceListeners,
): Promise<CallTransport> {
	const transport = new CallTransport(listeners);
	let built: McpServer | undefined;
	const failed = Promise.withResolvers<never>();
	const createOnce = async (): Promise<McpServer> => {
		try {
			built = await create(transport);
			return built;
		} catch (error) {
			failed.reject(error); // the SDK's entry would tell nobody, and leave the request without an answer
			throw error;
		}
	};
	// The SDK's own entry for a long-lived 2026-07-28 connection; the port stands in for stdio.
	serveStdio(createOnce, { transport, legacy: "reject" });
	const first = transport.request({ method: "tools/list", params: { _meta: HOST_ENVELOPE } }, NO_CONTEXT);
	await Promise.race([first, failed.promise]);
	// The first request has told the entry the era. It would look at each later one again, and pass it on in its turn.
	const inner = built?.server.transport;
	transport.onmessage = (message, extra) => inner?.onmessage?.(message, extra);
	return transport;
}

/** What the host says of itself in the 2026-07-28 era, which wants an envelope per request. */
export const HOST_ENVELOPE = {
	"io.modelcontextprotocol/protocolVersion": "2026-07-28",
	"io.modelcontextprotocol/clientInfo": { name: "bulkhead", version: "1" },
	"io.modelcontextprotocol/clientCapabilities": {},
};

/** The handshake that the client has had with the host, repeated with the module's server. */
async function initialize(transport: CallTransport, client: ClientKindDto): Promise<CallTransport> {
	const params = {
		protocolVersion: client.protocolVersion,
		capabilities: client.capabilities,
		clientInfo: client.info,
	};
	const response: JSONRPCMessage = await transport.request({ method: "initialize", params }, NO_CONTEXT);
	if ("error" in response) throw new Error(`the module's server refused the client: ${response.error.message}`);
	transport.notify("notifications/initialized");
	return transport;
}

function retire(transport: Promise<CallTransport>): void {
	transport.then(
		(built) => built.retire(),
		() => undefined, // it was never built
	);
}

/** For requests that the host makes on its own account: nobody listens to what is sent beside the answer. */
export const NO_CONTEXT: RequestContext = {
	signal: new AbortController().signal,
	emit: () => undefined,
	ask: () => new Promise(() => undefined),
};
