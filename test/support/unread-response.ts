import { once } from "node:events";
import { createServer, get, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

export interface UnreadResponse {
	/** Of the server: its head has been sent. */
	readonly response: ServerResponse;
	/** The client's end, which reads nothing before it is told to. */
	readonly received: IncomingMessage;
}

/** @returns opens event streams whose clients do not read */
export async function unreadResponses(t: TestContext): Promise<() => Promise<UnreadResponse>> {
	const server = createServer();
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	t.after(() => server.close().closeAllConnections());
	const { port } = server.address() as AddressInfo;
	return async () => {
		const asked = get({ port, host: "127.0.0.1", agent: false });
		const [, response] = (await once(server, "request")) as [IncomingMessage, ServerResponse];
		response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
		const [received] = (await once(asked, "response")) as [IncomingMessage];
		received.on("error", () => undefined); // when the connection is closed
		return { response, received };
	};
}

/** Sends more than the system keeps for a connection. */
export function fill(response: ServerResponse): void {
	response.write(Buffer.alloc(64 << 20));
}
