import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server as HttpServer } from "node:http";
import { createServer as createNetServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { runSandboxed } from "../../support/sandbox-run.ts";
import type { SandboxPolicy } from "../../../src/host/policy/permissions.ts";

/** A server that counts who came. */
interface Canary {
	readonly port: number;
	readonly url: string;
	visits(): number;
}

async function canary(t: TestContext, host = "127.0.0.1", location?: string): Promise<Canary> {
	let visits = 0;
	const server = createServer((_request, response) => {
		if (location === undefined) return response.end("seen");
		return response.writeHead(302, { location }).end();
	});
	server.on("connection", () => visits++);
	await listening(t, server, () => server.listen(0, host));
	const { port } = server.address() as AddressInfo;
	return { port, url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`, visits: () => visits };
}

async function listening(t: TestContext, server: Server, listen: () => void): Promise<void> {
	const { promise, resolve } = Promise.withResolvers<void>();
	server.once("listening", resolve);
	listen();
	await promise;
	t.after(() => new Promise((done) => server.close(done)));
	t.after(() => (server as Partial<HttpServer>).closeAllConnections?.());
}

async function attempt(way: string, target: object, policy: Partial<SandboxPolicy>): Promise<string> {
	const { value, error } = await runSandboxed("reaches.mjs", { policy, argument: { way, target } });
	return typeof value === "string" ? value : `${error?.code} ${error?.message}`;
}

const DENIED = ["ERR_BULKHEAD_DENIED", "EACCES"];
const STREAMS = ["net", "netPositional", "netOneFamily", "netRace", "http", "http2", "fetch", "raw"];

test("a list opens the addresses it names, and no other one or other port, by whatever way", async (t) => {
	const open = await canary(t);
	const closed = await canary(t);
	const policy = { net: [`127.0.0.1:${open.port}`] };
	for (const way of STREAMS) {
		assert.equal(await attempt(way, { host: "127.0.0.1", port: open.port }, policy), "reached", way);
	}
	for (const way of [...STREAMS, "tls", "https", "webSocket"]) {
		const met = await attempt(way, { host: "127.0.0.1", port: closed.port }, policy);
		assert.ok([...DENIED, ...(way === "webSocket" ? ["error"] : [])].includes(met), `${way}: ${met}`);
	}
	for (const host of ["0.0.0.0", "127.0.0.2", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "localhost"]) {
		const met = await attempt("net", { host, port: closed.port }, policy);
		assert.ok(DENIED.includes(met), `${host}: ${met}`);
	}
	assert.equal(closed.visits(), 0);
});

test("a name is judged by what the host's resolver says, not by what the module says", async (t) => {
	const open = await canary(t);
	const closed = await canary(t);
	const policy = { net: [`localhost:${open.port}`, `api.example.com:${closed.port}`] };
	for (const way of ["net", "netRace", "http", "fetch"]) {
		assert.equal(await attempt(way, { host: "localhost", port: open.port }, policy), "reached", way);
	}
	assert.equal(await attempt("net", { host: "LOCALHOST", port: open.port }, policy), "reached");
	const claimed = { host: "api.example.com", port: closed.port, address: "127.0.0.1" };
	for (const way of ["ownLookup", "dnsReplaced", "dnsAnswered"]) {
		assert.ok(DENIED.includes(await attempt(way, claimed, policy)), way);
	}
	// A name that is granted for another port opens its address for that port alone.
	assert.ok(DENIED.includes(await attempt("net", { host: "localhost", port: closed.port }, policy)));
	assert.equal(closed.visits(), 0);
});

test("a redirect is judged as any other connection", async (t) => {
	const closed = await canary(t);
	const open = await canary(t, "127.0.0.1", closed.url);
	const met = await attempt("redirect", { from: open.url }, { net: [`127.0.0.1:${open.port}`] });
	assert.equal(met, "ERR_BULKHEAD_DENIED");
	assert.deepEqual([open.visits(), closed.visits()], [1, 0]);
});

test("networks, all ports and all hosts can be granted", async (t) => {
	const open = await canary(t);
	const six = await canary(t, "::1");
	for (const entry of ["127.0.0.0/8:*", `*:${open.port}`, "127.0.0.1:*", "localhost:*"]) {
		const host = entry.startsWith("localhost") ? "localhost" : "127.0.0.1";
		assert.equal(await attempt("net", { host, port: open.port }, { net: [entry] }), "reached", entry);
	}
	for (const entry of ["[::1]:*", `[0:0:0:0:0:0:0:1]:${six.port}`, "[::/64]:*"]) {
		assert.equal(await attempt("net", { host: "::1", port: six.port }, { net: [entry] }), "reached", entry);
	}
	assert.ok(DENIED.includes(await attempt("net", { host: "127.0.0.1", port: open.port }, { net: ["10.0.0.0/8:*"] })));
});

test("a list holds for UDP and for name servers too", async (t) => {
	const socket = createSocket("udp4");
	let received = 0;
	socket.on("message", () => received++);
	await new Promise<void>((resolve) => void socket.bind(0, "127.0.0.1", resolve));
	t.after(() => socket.close());
	const { port } = socket.address();
	const target = { host: "127.0.0.1", port };
	const other = { net: ["127.0.0.1:9"] };
	for (const way of ["udp", "udpConnected"]) {
		assert.ok(DENIED.includes(await attempt(way, target, other)), way);
		assert.equal(await attempt(way, target, { net: [`127.0.0.1:${port}`] }), "reached", way);
	}
	const claimed = { ...target, host: "api.example.com", address: "127.0.0.1" };
	assert.ok(DENIED.includes(await attempt("udpOwnLookup", claimed, { net: [`api.example.com:${port}`] })));
	assert.equal(received, 1);

	for (const way of ["resolve", "lookup", "lookupCallback"]) {
		assert.equal(await attempt(way, { host: "secret.attacker.example" }, other), "ERR_BULKHEAD_DENIED", way);
		const trick = "secret.attacker.example\0.internal.example";
		assert.notEqual(await attempt(way, { host: trick }, { net: ["*.internal.example:80"] }), "reached", way);
	}
	for (const way of ["setServers", "resolverServers"]) {
		assert.equal(await attempt(way, {}, other), "ERR_BULKHEAD_DENIED", way);
		assert.equal(await attempt(way, {}, { net: true }), "reached", way);
	}
	assert.equal(await attempt("lookupService", { host: "10.1.2.3", port: 80 }, other), "ERR_BULKHEAD_DENIED");
});

test("a list grants what goes out: nothing listens under it", async () => {
	const policy = { net: ["127.0.0.1:9"] };
	for (const way of ["listen", "httpListen", "udpListen", "rawListen"]) {
		const port = way === "udpListen" ? 40_099 : 0;
		assert.ok(DENIED.includes(await attempt(way, { host: "127.0.0.1", port }, policy)), way);
	}
});

test("nobody takes the host's own port, on whatever address", async () => {
	const port = 40_123;
	const policy = { net: true, reservedPorts: [port] };
	for (const host of ["::1", "127.0.0.1", "127.0.0.2", "0.0.0.0", "::", "::ffff:127.0.0.1", "localhost"]) {
		for (const way of ["listen", "httpListen"]) {
			assert.equal(await attempt(way, { host, port }, policy), "ERR_BULKHEAD_DENIED", `${way} ${host}`);
		}
	}
	assert.equal(await attempt("rawListen", { host: "127.0.0.2", port }, policy), "EACCES");
	assert.equal(await attempt("listen", { host: "127.0.0.2", port: 0 }, policy), "reached");
});

const UNIX = ["unix", "unixOption", "unixHttp", "unixHttp2", "unixListen", "unixListenOption"];

test("the network opens no unix socket: each is granted by its path", async (t) => {
	const folder = mkdtempSync(join(tmpdir(), "bulkhead-unix-"));
	t.after(() => rmSync(folder, { recursive: true }));
	const path = join(folder, "secret.sock");
	let visits = 0;
	const server = createNetServer((socket) => {
		visits++;
		socket.on("error", () => undefined); // its reader does not wait for the answer
		socket.resume(); // or the end of what it sends is never seen, and the server never closed
		socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
	});
	await listening(t, server, () => server.listen(path));
	const made = join(folder, "made.sock");
	const abstract = "\0bulkhead-test";
	for (const policy of [{ net: true }, { net: [`127.0.0.1:9`] }, { net: true, unix: [join(folder, "other.sock")] }]) {
		for (const way of [...UNIX, "unixTls"]) {
			const target = way.startsWith("unixListen") ? made : path;
			const met = await attempt(way, { path: target }, policy);
			assert.equal(met, "ERR_BULKHEAD_DENIED", `${way} ${JSON.stringify(policy)}`);
		}
	}
	const granted = join(folder, "other.sock");
	const policy = { net: true, unix: [granted] };
	for (const other of [path, abstract, `${folder}/./secret.sock`, `${folder}//other.sock`, "secret.sock"]) {
		assert.notEqual(await attempt("rawPipe", { path: other, granted }, policy), "reached", other);
		assert.notEqual(await attempt("rawPipeListen", { path: other, granted }, policy), "reached", other);
		assert.notEqual(await attempt("unix", { path: other }, policy), "reached", other);
	}
	assert.equal(visits, 0);
	assert.ok(!existsSync(made));

	for (const net of [true, false]) {
		const open = { net, unix: [path, made] };
		for (const way of ["unix", "unixOption", "unixHttp", "unixHttp2"]) {
			assert.equal(await attempt(way, { path }, open), "reached", `${way}, net: ${net}`);
		}
		assert.equal(await attempt("unixListen", { path: made }, open), "reached");
		rmSync(made, { force: true });
		if (net) continue;
		assert.ok(DENIED.includes(await attempt("net", { host: "127.0.0.1", port: 9 }, open)));
	}
});

test("strict closes what is granted of it", async () => {
	const policy = { level: "strict", net: ["127.0.0.1:9"], unix: ["/run/x.sock"] } as const;
	for (const way of ["net", "unix"]) {
		assert.equal(
			await attempt(way, { host: "127.0.0.1", port: 9, path: "/run/x.sock" }, policy),
			"ERR_BULKHEAD_DENIED",
		);
	}
});
