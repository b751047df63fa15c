import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { createSocket, type Socket } from "node:dgram";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { CHILD, NET, NEVER, testAttacks } from "../../support/sandbox-attack.ts";
import { FIXTURES } from "../../support/sandbox-run.ts";

const folder = mkdtempSync(join(tmpdir(), "bulkhead-sandbox-"));
const secret = join(folder, "secret.txt");
const readable = join(FIXTURES, "readable.txt");
const hostFile = join(folder, "host.txt");
let descriptor = -1;
/** Of a file that no attack writes. */
let readDescriptor = -1;
let web: ReturnType<typeof createServer>;
let tcp: Server;
let udp: Socket;

before(async () => {
	writeFileSync(secret, "secret");
	writeFileSync(hostFile, "secret");
	descriptor = openSync(hostFile, "r+");
	readDescriptor = openSync(secret, "r");
	web = createServer((_request, response) => response.end("answered"));
	tcp = createTcpServer();
	udp = createSocket("udp4");
	await new Promise<void>((resolve) => void udp.bind(0, "127.0.0.1", resolve));
	for (const server of [web, tcp]) {
		await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
	}
});
after(() => {
	web.close();
	tcp.close();
	udp.close();
	closeSync(descriptor);
	closeSync(readDescriptor);
	rmSync(folder, { recursive: true });
});

const origin = (): string => `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
const listeningDescriptor = (): number => (tcp as unknown as { _handle: { fd: number } })._handle.fd;
const boundDescriptor = (): number => {
	const state = Object.getOwnPropertySymbols(udp).find(({ description }) => description === "state symbol");
	return (Reflect.get(udp, state ?? "") as { handle: { fd: number } }).handle.fd;
};
const open = { policy: { net: true } };

testAttacks([
	// Descriptors of the host
	{
		name: "read a descriptor",
		fixture: "reads-a-descriptor.mjs",
		argument: () => readDescriptor,
		loot: "secret",
		refusal: ["which it did not open", NEVER],
	},
	{
		name: "write a descriptor",
		fixture: "writes-a-descriptor.mjs",
		argument: () => descriptor,
		loot: 1,
		refusal: ["which it did not open", NEVER],
	},
	{
		name: "write a descriptor by a stream",
		fixture: "writes-a-descriptor-by-stream.mjs",
		argument: () => descriptor,
		loot: "written",
		refusal: ["which it did not open", NEVER],
	},
	{
		name: "close a descriptor",
		fixture: "closes-a-descriptor.mjs",
		argument: () => openSync(hostFile, "r"),
		loot: "closed",
		refusal: ["close the descriptor", NEVER],
	},
	{
		name: "close a descriptor, having patched",
		fixture: "says-it-opened-everything.mjs",
		argument: () => openSync(hostFile, "r"),
		loot: "closed",
		refusal: ["close the descriptor", NEVER],
	},
	{
		name: "close its own descriptor twice",
		fixture: "closes-a-descriptor-twice.mjs",
		argument: () => readable,
		refusal: ["close the descriptor", NEVER],
	},
	{
		name: "listen on a descriptor",
		fixture: "listens-on-a-descriptor.mjs",
		argument: listeningDescriptor,
		refusal: ["a descriptor as a socket", NEVER],
		options: open,
	},
	{
		name: "make a socket of a descriptor",
		fixture: "makes-a-socket-of-a-descriptor.mjs",
		argument: listeningDescriptor,
		refusal: ["a descriptor as a socket", NEVER],
		options: open,
	},
	{
		name: "open a descriptor by a native handle",
		fixture: "opens-a-descriptor-by-handle.mjs",
		argument: listeningDescriptor,
		refusal: ["a descriptor as a socket", NEVER],
		options: open,
	},
	{
		name: "bind a descriptor as UDP",
		fixture: "opens-a-descriptor-by-udp.mjs",
		argument: boundDescriptor,
		refusal: ["a descriptor as a socket", NEVER],
		options: open,
	},

	// The network, where Node's flags do not cover it
	{
		name: "fetch",
		fixture: "fetches.mjs",
		argument: origin,
		loot: "answered",
		refusal: ["use fetch", NET],
		options: { hasFlags: false },
	},
	{
		name: "WebSocket",
		fixture: "opens-a-websocket.mjs",
		argument: () => "ws://127.0.0.1:9",
		loot: "object",
		refusal: ["use WebSocket", NET],
		options: { hasFlags: false },
	},
	{
		name: "a trusted library that has http",
		fixture: "pushes-through-a-trusted-library.mjs",
		argument: origin,
		loot: 200,
		refusal: ["net.Socket.connect", NET],
		options: { hasFlags: false, libraries: [import.meta.resolve("prom-client")] },
	},

	// Programs, and what goes to them
	{
		name: "a program",
		fixture: "runs-a-program.mjs",
		loot: "ran\n",
		refusal: ["use child_process.execFileSync", CHILD],
		options: { hasFlags: false },
	},
	...["spawn", "spawnSync", "number"].map((how) => ({
		name: `the host's descriptors to a program: ${how}`,
		fixture: "shares-its-output-with-a-program.mjs",
		argument: () => how,
		loot: "shared",
		refusal: ["to a program", NEVER] as const,
		options: { policy: { childProcess: true } },
	})),

	// Files: Node's permission model refuses, and the lock says what would allow it
	{
		name: "read a file",
		fixture: "reads-a-file.mjs",
		argument: () => secret,
		loot: "secret",
		refusal: [secret, "permissions: { read: ["],
		options: { hasFlags: true },
	},
	{
		name: "read a file with a callback",
		fixture: "reads-a-file-asynchronously.mjs",
		argument: () => [secret, "callback"],
		refusal: [secret, "permissions: { read: ["],
	},
	{
		name: "read a file with a promise",
		fixture: "reads-a-file-asynchronously.mjs",
		argument: () => [secret, "promise"],
		refusal: [secret, "permissions: { read: ["],
	},
	{
		name: "write a file",
		fixture: "writes-a-file.mjs",
		argument: () => join(folder, "new.txt"),
		refusal: ["fs.writeFileSync", NEVER],
	},
]);
