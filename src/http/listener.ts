import { once } from "node:events";
import { createServer, type RequestListener, type Server as HttpServer, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { TlsOptions, TLSSocket } from "node:tls";
import { type AddressInfo, Server as TcpServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { BulkheadError } from "../core/errors.ts";

export interface ListenerOptions {
	readonly app: RequestListener;
	readonly host: string;
	readonly port: number;
	/** The variable that the port was read from, for the one who has to change it. */
	readonly portVariable: string;
	/** How long an idle connection is kept, in milliseconds. */
	readonly keepAliveTimeoutMs: number;
	/** Undefined where connections are not encrypted. */
	readonly tls?: ListenerTls | undefined;
	/** A connection was opened, or closed. */
	readonly onConnections: (change: 1 | -1) => void;
}

export interface ListenerTls {
	readonly options: TlsOptions;
	/** Whether a connection is closed at once, for the certificate that its client has or has not shown. */
	readonly isRefused: (socket: TLSSocket) => boolean;
}

/**
 * One HTTP port, and a way to leave it on which no request is lost: first `drain`, later `stopAccepting`, at last `close`.
 * Each is safe before `listen`, and twice.
 */
export interface Listener {
	/** @throws {BulkheadError} PORT_IN_USE */
	listen(): Promise<string>;
	/** New connections are encrypted with these from here on. */
	setTls(options: TlsOptions): void;
	/** From here on every answer says `Connection: close`: its client uses another connection next, maybe to another host. */
	drain(): void;
	/**
	 * Takes no new connections. Idle ones are kept for a moment, since a request may be on its way on each: closing one under
	 * it would be a reset, which nobody repeats for a POST.
	 */
	stopAccepting(lingerMs: number): Promise<void>;
	/** Lets the answers that are under way leave, then closes what is left. */
	close(): Promise<void>;
}

export function createListener(options: ListenerOptions): Listener {
	const { tls } = options;
	const https =
		tls === undefined ? undefined : createSecureServer({ ...tls.options, handshakeTimeout: HANDSHAKE_MS }, options.app);
	const http: HttpServer = https ?? createServer(options.app);
	http.keepAliveTimeout = options.keepAliveTimeoutMs;
	// From the first byte of a request on; below the time that a connection is kept it would end one while it is idle.
	http.headersTimeout = Math.max(LEAST_HEADERS_TIMEOUT_MS, options.keepAliveTimeoutMs + HEADERS_MARGIN_MS);
	// The whole of a request, its body too: one that comes by the byte holds a connection no longer.
	http.requestTimeout = Math.max(REQUEST_TIMEOUT_MS, http.headersTimeout);
	const idle = new Set<Socket>();
	const answering = new Set<ServerResponse>();
	let isDraining = false;
	let stopped: Promise<void> | undefined;

	const unread = watchReaders(answering);
	http.on(https === undefined ? "connection" : "secureConnection", (socket: Socket) => {
		if (tls?.isRefused(socket as TLSSocket) === true) return void socket.destroy();
		idle.add(socket);
		options.onConnections(1);
		socket.once("close", () => {
			idle.delete(socket);
			options.onConnections(-1);
		});
	});
	// Before the app, which may answer at once.
	http.prependListener("request", (request, response) => {
		const { socket } = request;
		idle.delete(socket);
		answering.add(response);
		if (isDraining) response.shouldKeepAlive = false;
		response.once("close", () => {
			answering.delete(response);
			if (!socket.destroyed) idle.add(socket);
		});
	});

	function drain(): void {
		isDraining = true;
		for (const response of answering) response.shouldKeepAlive = false;
	}

	function stopAccepting(lingerMs: number): Promise<void> {
		drain();
		stopped ??= (async () => {
			if (!http.listening) return;
			// Not http's own: that one closes idle connections at once.
			TcpServer.prototype.close.call(http);
			await settled(() => idle.size === 0, lingerMs);
			for (const socket of idle) socket.destroySoon();
		})();
		return stopped;
	}

	return {
		async listen() {
			http.listen(options.port, options.host);
			try {
				await once(http, "listening");
			} catch (cause) {
				throw describeFailure(cause, options);
			}
			return urlOf(http.address() as AddressInfo, https === undefined ? "http" : "https");
		},
		setTls: (changed) => https?.setSecureContext(changed),
		drain,
		stopAccepting,
		async close() {
			await stopAccepting(0);
			await settled(() => answering.size === 0, LAST_BYTES_MS);
			clearInterval(unread);
			http.closeAllConnections();
			http.close(() => undefined); // which also ends its timers
		},
	};
}

/** As Node's own default. */
const LEAST_HEADERS_TIMEOUT_MS = 60_000;
const HEADERS_MARGIN_MS = 5000;
const REQUEST_TIMEOUT_MS = 120_000;
const HANDSHAKE_MS = 10_000;
const READERS_CHECK_MS = 15_000;
/** A client that has taken nothing of what is written to it for so long is gone, or means to hold memory. */
const UNREAD_MS = 120_000;

/** Closes the connections of clients that have left off reading in the middle of an answer. */
function watchReaders(answering: ReadonlySet<ServerResponse>): NodeJS.Timeout {
	const seen = new WeakMap<ServerResponse, { taken: number; at: number }>();
	return setInterval(() => {
		const now = performance.now();
		for (const response of answering) {
			const { socket } = response;
			if (socket === null) continue;
			const waiting = socket.writableLength;
			const taken = socket.bytesWritten - waiting;
			const before = seen.get(response);
			if (waiting === 0 || before?.taken !== taken) seen.set(response, { taken, at: now });
			else if (now - before.at >= UNREAD_MS) socket.destroy();
		}
	}, READERS_CHECK_MS).unref();
}
/** For answers that are written already, over a slow line. */
const LAST_BYTES_MS = 1000;
const POLL_MS = 10;

async function settled(condition: () => boolean, deadlineMs: number): Promise<void> {
	const until = performance.now() + deadlineMs;
	while (!condition() && performance.now() < until) await delay(POLL_MS);
}

function describeFailure(cause: unknown, { host, port, portVariable }: ListenerOptions): unknown {
	const { code } = cause as NodeJS.ErrnoException;
	if (code !== "EADDRINUSE") return cause;
	const message = `port ${port} on ${host} is in use: stop what listens there, or set ${portVariable} to another`;
	return new BulkheadError("PORT_IN_USE", message, { cause });
}

function urlOf({ address, port, family }: AddressInfo, scheme: "http" | "https"): string {
	return `${scheme}://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}
