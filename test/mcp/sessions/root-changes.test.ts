import assert from "node:assert/strict";
import { test } from "node:test";
import { InMemoryTransport, type JSONRPCMessage, Server } from "@modelcontextprotocol/server";
import { passOnRootChanges } from "../../../src/mcp/sessions/root-changes.ts";
import { StandaloneStream } from "../../../src/mcp/sessions/session-stream.ts";
import { fill, unreadResponses } from "../../support/unread-response.ts";
import { until } from "../../support/until.ts";

test("a client that does not read its event stream is not asked for its roots", async (t) => {
	const open = await unreadResponses(t);
	const { response } = await open();
	const stream = new StandaloneStream();
	stream.add(response);

	const server = new Server({ name: "test", version: "1" });
	const [client, transport] = InMemoryTransport.createLinkedPair();
	const received: JSONRPCMessage[] = [];
	client.onmessage = (message) => void received.push(message);
	await client.start();
	const state = {
		logLevel: undefined,
		stream,
		called: new Set(["mcps/asks"]),
		origin: <From>(from: From): From => from,
		isOpen: () => true,
	};
	const answers: string[] = [];
	passOnRootChanges({
		server,
		state,
		gateway: {
			async tell(_moduleId, _method, _origin, to) {
				const question = JSON.stringify({ method: "roots/list" });
				answers.push(await to.ask(question, new AbortController().signal, () => undefined));
				return true;
			},
		},
		onError: assert.fail,
	});
	await server.connect(transport);
	t.after(() => server.close());
	const initialize = {
		protocolVersion: "2025-11-25",
		capabilities: { roots: {} },
		clientInfo: { name: "c", version: "1" },
	};
	await client.send({ jsonrpc: "2.0", id: 0, method: "initialize", params: initialize });
	await until(() => received.length === 1, "it is initialized");

	const changed = { jsonrpc: "2.0", method: "notifications/roots/list_changed" } as const;
	await client.send(changed);
	await until(() => received.length === 2, "a client that reads is asked");
	await client.send({ jsonrpc: "2.0", id: 0, result: { roots: [] } });
	await until(() => answers.length === 1, "and answers");
	fill(response);
	await client.send(changed);
	await until(() => answers.length === 2, "the next question is refused");
	assert.match(answers[1] ?? "", /no stream to be asked on/);
	assert.equal(received.length, 2);
});
