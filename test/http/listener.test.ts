import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { createListener, type Listener } from "../../src/http/listener.ts";
import { until } from "../support/until.ts";

interface Served {
	readonly listener: Listener;
	readonly open: () => Promise<Client>;
	/** Answers the requests for /held. */
	readonly release: () => void;
}

interface Client {
	readonly socket: Socket;
	text(): string;
	ask(path: string): void;
	/** Resolves when the other end has closed it; rejects on a reset. */
	readonly ended: Promise<unknown>;
}

async function serve(t: TestContext, keepAliveTimeoutMs = 65_000): Promise<Served> {
	const held: (() => void)[] = [];
	const listener = createListener({
		app(request, response) {
			if (request.url === "/held") held.push(() => response.end("held"));
			else if (request.url === "/stream") response.writeHead(200).write("first ");
			else response.end("quick");
			if (request.url === "/stream") held.push(() => response.end("last"));
		},
		host: "127.0.0.1",
		port: 0,
		portVariable: "PORT",
		keepAliveTimeoutMs,
		onConnections: () => undefined,
	});
	t.after(() => listener.close());
	const { port } = new URL(await listener.listen());
	return {
		listener,
		release: () => held.splice(0).forEach((answer) => answer()),
		async open() {
			const socket = connect(Number(port), "127.0.0.1").setEncoding("utf8");
			let text = "";
			socket.on("data", (chunk: string) => {
				text += chunk;
			});
			await once(socket, "connect");
			const ended = once(socket, "close");
			return {
				socket,
				text: () => text,
				ask: (path) => socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`),
				ended,
			};
		},
	};
}

test("a kept connection is announced for as long as KEEP_ALIVE_TIMEOUT_MS says", async (t) => {
	const { open } = await serve(t, 7000);
	const client = await open();
	client.ask("/");
	await until(() => client.text().includes("quick"), "it is answered");
	assert.match(client.text(), /Keep-Alive: timeout=7\r\n/);
});

test("a connection that leaves is told so, whether its request came before or after", async (t) => {
	const { listener, open, release } = await serve(t);
	const [before, after] = [await open(), await open()];
	before.ask("/held");
	after.ask("/");
	await until(() => after.text().includes("quick"), "a first request is answered");
	assert.match(after.text(), /Connection: keep-alive/);
	listener.drain();
	after.ask("/");
	await after.ended;
	assert.match(after.text(), /quick[^]*Connection: close[^]*quick$/);
	release();
	await before.ended;
	assert.match(before.text(), /Connection: close[^]*held$/);
	const late = await open();
	late.ask("/");
	await late.ended;
	assert.match(late.text(), /quick$/, "the port is still open");
});

test("the port closes while what is on its way is still answered, and nothing is reset", async (t) => {
	const { listener, open, release } = await serve(t);
	const [idle, fresh, held, stream] = [await open(), await open(), await open(), await open()];
	idle.ask("/");
	held.ask("/held");
	stream.ask("/stream");
	await until(() => idle.text().includes("quick") && stream.text().includes("first"), "they are answered");
	const stopping = listener.stopAccepting(60_000);
	await assert.rejects(open(), /ECONNREFUSED/);
	idle.ask("/");
	fresh.ask("/");
	await Promise.all([idle.ended, fresh.ended]);
	assert.match(idle.text(), /Connection: close[^]*quick$/);
	assert.match(fresh.text(), /quick$/);
	await stopping; // none is idle any more
	const closing = listener.close();
	release();
	await Promise.all([held.ended, stream.ended, closing]);
	assert.match(held.text(), /held$/);
	assert.match(stream.text(), /4\r\nlast\r\n0\r\n\r\n$/);
});

test("an idle connection is closed at the end of its time, without a reset", async (t) => {
	const { listener, open } = await serve(t);
	const client = await open();
	client.ask("/");
	await until(() => client.text().includes("quick"), "it is answered");
	await listener.stopAccepting(50);
	await client.ended;
	await listener.stopAccepting(50);
	await listener.close();
	await listener.close();
});

test("what was never opened can be closed", async () => {
	const listener = createListener({
		app: () => undefined,
		host: "127.0.0.1",
		port: 0,
		portVariable: "PORT",
		keepAliveTimeoutMs: 1,
		onConnections: () => undefined,
	});
	await listener.close();
});
