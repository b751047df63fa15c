import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { Server } from "@modelcontextprotocol/server";
import { createSessions, type Session } from "../../../src/mcp/sessions/sessions.ts";
import { openSession } from "../../support/mcp-post.ts";

/** Sessions that each initialize over HTTP opens; the last one of them. */
async function setup(t: TestContext) {
	const sessions = createSessions({
		createServer: () =>
			new Server({ name: "test", version: "1" }, { capabilities: { resources: { subscribe: true } } }),
		max: 10,
		idleTimeoutMs: 60_000,
		now: () => performance.now(),
		onError: assert.fail,
		onCount: () => undefined,
	});
	t.after(() => sessions.close());
	let last: Session | undefined;
	const http = createServer((request, response) => {
		void sessions.open(undefined, request.socket.remoteAddress ?? "").then((session) => {
			last = session;
			return session?.transport.handleRequest(request, response);
		});
	});
	http.listen(0, "127.0.0.1");
	await once(http, "listening");
	t.after(() => http.close().closeAllConnections());
	return {
		sessions,
		async open(): Promise<Session> {
			await openSession(`http://127.0.0.1:${(http.address() as AddressInfo).port}`);
			assert.ok(last);
			return last;
		},
	};
}

test("modules reach a session by its address until it ends, and not again when something is late", async (t) => {
	const { sessions, open } = await setup(t);
	const address = ({ state }: Session): string => state.origin({ client: "" }).session?.session ?? "";

	const known = await open();
	assert.equal(sessions.at(address(known)), known);
	await known.transport.close();
	assert.equal(sessions.at(address(known)), undefined);

	const late = await open();
	await late.transport.close();
	assert.equal(sessions.at(address(late)), undefined);
	assert.equal(sessions.count(), 0);
});
