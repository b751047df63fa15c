import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { createSocket, type Socket } from "node:dgram";
import { createServer } from "node:http";
import { createServer as createTcpServer, type Server, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { FIXTURES, MODULE_ID, type RunOptions, runSandboxed } from "../support/sandbox-run.ts";

// Each attack runs twice in a real thread: without the lock, to show that it works, and with it. Node's permission model
// is in force both times, so that what is shown is what the lock adds; `hasFlags: false` where Node's flags alone refuse it
// already, to show that the lock is one more.

const NEVER = "no permission in plugins.yaml opens it";
const NET = "permissions: { net: true }";
const CHILD = "permissions: { childProcess: true }";

const folder = mkdtempSync(join(tmpdir(), "bulkhead-sandbox-"));
const secret = join(folder, "secret.txt");
const readable = join(FIXTURES, "readable.txt");
const hostFile = join(folder, "host.txt");
let descriptor = -1;
let web: ReturnType<typeof createServer>;
let tcp: Server;
let udp: Socket;

before(async () => {
	writeFileSync(secret, "secret");
	writeFileSync(hostFile, "secret");
	descriptor = openSync(hostFile, "r+");
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
	rmSync(folder, { recursive: true });
});

interface Attack {
	readonly name: string;
	readonly fixture: string;
	/** Asked for when the attack runs, since some of it exists only then. */
	readonly argument?: () => unknown;
	/** What it gets when nothing is locked; undefined when that would end the test's own process, or cannot be had. */
	readonly loot?: unknown;
	/** What the refusal names, and what would allow it. */
	readonly refusal: readonly [thing: string, advice: string];
	readonly options?: RunOptions;
}

const origin = (): string => `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
const imports = (specifier: string, advice: string, loot?: unknown): Attack => ({
	name: `import ${specifier}`,
	fixture: "imports-anything.mjs",
	argument: () => specifier,
	loot,
	refusal: [`import node:${specifier.replace("node:", "")}`, advice],
});
const calls = (name: string, ...args: unknown[]): Attack => ({
	name: `process.${name}`,
	fixture: "calls-a-process-function.mjs",
	argument: () => [name, ...args],
	refusal: [`process.${name}`, NEVER],
});
const listeningDescriptor = (): number => (tcp as unknown as { _handle: { fd: number } })._handle.fd;
const boundDescriptor = (): number => {
	const state = Object.getOwnPropertySymbols(udp).find(({ description }) => description === "state symbol");
	return (Reflect.get(udp, state ?? "") as { handle: { fd: number } }).handle.fd;
};
const open = { policy: { net: true } };

const ATTACKS: readonly Attack[] = [
	// Ways to a built-in
	imports("node:vm", NEVER, "object"),
	imports("vm", NEVER, "object"),
	imports("node:inspector", NEVER, "object"),
	imports("node:inspector/promises", NEVER, "object"),
	imports("node:cluster", NEVER, "object"),
	imports("node:repl", NEVER, "object"),
	imports("node:wasi", NEVER, "object"),
	imports("node:sqlite", NEVER, "object"),
	imports("node:test", NEVER, "function"),
	imports("node:trace_events", NEVER),
	imports("node:domain", NEVER, "object"),
	imports("node:net", NET, "object"),
	imports("node:http", NET, "object"),
	imports("node:https", NET, "object"),
	imports("node:http2", NET, "object"),
	imports("node:tls", NET, "object"),
	imports("node:dgram", NET, "object"),
	imports("node:dns/promises", NET, "object"),
	imports("node:child_process", CHILD, "object"),
	imports("node:_http_client", NEVER, "object"),
	{ ...imports("node:dns", NET, "object"), fixture: "requires-anything.cjs", name: "require node:dns", loot: "object" },
	{
		name: "createRequire",
		fixture: "makes-a-require.mjs",
		loot: "functionfunction",
		refusal: ["import node:vm", NEVER],
	},
	{
		name: "import() in new Function",
		fixture: "imports-in-new-code.mjs",
		loot: "function",
		refusal: ["import node:vm", NEVER],
	},
	{
		name: "import() in an indirect eval",
		fixture: "imports-in-eval.mjs",
		loot: "function",
		refusal: ["import node:vm", NEVER],
	},
	{
		name: "a data: URL",
		fixture: "imports-a-data-url.mjs",
		loot: "function",
		refusal: ["import data:text/javascript", NEVER],
	},
	{
		name: "a Module with a trusted name",
		fixture: "forges-its-parent.cjs",
		loot: "function",
		refusal: ["import node:vm", NEVER],
	},
	{ name: "Module._load", fixture: "calls-the-loader.cjs", loot: "function", refusal: ["import node:vm", NEVER] },
	{
		name: "methods that a guard may use",
		fixture: "patches-what-judges-imports.cjs",
		loot: "function",
		refusal: ["import node:vm", NEVER],
	},
	{ name: "hooks of its own", fixture: "adds-hooks.mjs", loot: "object", refusal: ["module.registerHooks", NEVER] },
	{
		name: "process.getBuiltinModule",
		fixture: "asks-for-a-builtin.mjs",
		argument: () => "net",
		loot: "object",
		refusal: ["import node:net", NET],
	},
	{
		name: "process.getBuiltinModule of what has a prefix only",
		fixture: "asks-for-a-builtin.mjs",
		argument: () => "node:sqlite",
		loot: "object",
		refusal: ["import node:sqlite", NEVER],
	},

	// The process
	{ name: "process.kill", fixture: "signals.mjs", loot: true, refusal: ["process.kill", NEVER] },
	calls("_rawDebug", "a line that went past the quota"),
	calls("abort"),
	calls("dlopen", { exports: {} }, "/nonexistent.node"),
	calls("binding", "fs"),
	calls("_linkedBinding", "fs"),
	calls("execve", "/bin/true", ["true"], {}),
	calls("loadEnvFile", "/nonexistent"),
	calls("chdir", "/"),
	calls("setuid", 0),
	calls("_kill", 0, 0),
	{
		name: "process.report",
		fixture: "reports-the-environment.mjs",
		loot: true,
		refusal: ["process.report.getReport", NEVER],
	},
	{
		name: "v8.setFlagsFromString",
		fixture: "sets-v8-flags.mjs",
		loot: "set",
		refusal: ["v8.setFlagsFromString", NEVER],
	},
	{
		name: "v8.getHeapSnapshot",
		fixture: "takes-a-heap-snapshot.mjs",
		loot: "object",
		refusal: ["v8.getHeapSnapshot", NEVER],
	},
	{ name: "v8.promiseHooks", fixture: "watches-promises.mjs", loot: "function", refusal: ["v8.promiseHooks", NEVER] },
	{ name: "os.setPriority", fixture: "changes-priority.mjs", loot: "set", refusal: ["os.setPriority", NEVER] },

	// Other threads
	{
		name: "a thread without limits",
		fixture: "starts-a-thread.mjs",
		loot: "started",
		refusal: ["worker_threads.Worker", NEVER],
		options: { hasFlags: false },
	},
	{
		name: "BroadcastChannel",
		fixture: "broadcasts.mjs",
		argument: () => "x",
		loot: "sent",
		refusal: ["BroadcastChannel", NEVER],
	},
	{
		name: "worker_threads.BroadcastChannel",
		fixture: "broadcasts-by-import.mjs",
		argument: () => "x",
		loot: "sent",
		refusal: ["worker_threads.BroadcastChannel", NEVER],
	},
	{ name: "postMessageToThread", fixture: "posts-to-main.mjs", refusal: ["worker_threads.postMessageToThread", NEVER] },
	{
		name: "a Web Lock",
		fixture: "holds-a-web-lock.mjs",
		argument: () => "lock",
		loot: "held",
		refusal: ["navigator.locks", NEVER],
	},
	{
		name: "MessageChannel",
		fixture: "makes-a-message-channel.mjs",
		loot: "object",
		refusal: ["MessageChannel", NEVER],
	},
	{
		name: "async_hooks.createHook",
		fixture: "hooks-async-resources.mjs",
		loot: "object",
		refusal: ["async_hooks.createHook", NEVER],
	},
	{
		name: "async_hooks.executionAsyncResource",
		fixture: "reads-the-async-resource.mjs",
		loot: "object",
		refusal: ["async_hooks.executionAsyncResource", NEVER],
	},

	// Descriptors of the host
	{
		name: "read a descriptor",
		fixture: "reads-a-descriptor.mjs",
		argument: () => descriptor,
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
		refusal: ["import node:child_process", CHILD],
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
];

describe("an attack is refused, with what would allow it", { concurrency: 2 }, () => {
	for (const attack of ATTACKS) {
		test(attack.name, async () => {
			if (attack.loot !== undefined) {
				// Without flags where it is Node's permission model that refuses it already.
				const bare = await runSandboxed(attack.fixture, {
					...attack.options,
					argument: attack.argument?.(),
					isLocked: false,
					hasFlags: false,
				});
				assert.deepEqual(bare.value, attack.loot, `unlocked: ${bare.error?.message}`);
			}
			const { value, error, exitCode } = await runSandboxed(attack.fixture, {
				...attack.options,
				argument: attack.argument?.(),
			});
			assert.equal(error?.code, "ERR_BULKHEAD_DENIED", JSON.stringify({ value, error, exitCode }));
			for (const part of [`${MODULE_ID} may not `, ...attack.refusal]) {
				assert.ok(error.message?.includes(part), `${error.message} names ${part}`);
			}
		});
	}
});
