import { type Attack, CHILD, NET, NEVER, SQLITE, testAttacks } from "../../support/sandbox-attack.ts";

const uses = (specifier: string, call: readonly unknown[], advice: string, loot?: unknown): Attack => ({
	name: `${specifier} ${call.map(String).join(" ")}`,
	fixture: "imports-anything.mjs",
	argument: () => [specifier, ...call],
	loot,
	refusal: [`use ${specifier.replace("node:", "")}.${String(call[0])}`.replace(".default", ""), advice],
});
const calls = (name: string, ...args: unknown[]): Attack => ({
	name: `process.${name}`,
	fixture: "calls-a-process-function.mjs",
	argument: () => [name, ...args],
	refusal: [`process.${name}`, NEVER],
});

testAttacks([
	// Ways to a built-in
	uses("node:vm", ["runInThisContext", "1"], NEVER, "number"),
	uses("vm", ["runInNewContext", "1"], NEVER, "number"),
	uses("node:inspector", ["open"], NEVER),
	uses("node:inspector/promises", ["waitForDebugger"], NEVER),
	uses("node:cluster", ["fork"], NEVER),
	uses("node:repl", ["start"], NEVER),
	uses("node:sqlite", ["backup"], SQLITE),
	uses("node:test", ["default", "a test"], NEVER),
	uses("node:test", ["describe", "tests"], NEVER),
	uses("node:trace_events", ["createTracing"], NEVER),
	uses("node:domain", ["create"], NEVER, "object"),
	uses("node:dgram", ["createSocket", "udp4"], NET, "object"),
	uses("node:dns/promises", ["lookup", "127.0.0.1"], NET, "object"),
	uses("node:child_process", ["execSync", "true"], CHILD, "object"),
	{
		...uses("node:dns", ["lookup", "127.0.0.1", () => undefined], NET),
		fixture: "requires-anything.cjs",
		argument: () => ["node:dns", "lookup", "127.0.0.1"],
		name: "require node:dns",
	},
	{
		name: "createRequire",
		fixture: "makes-a-require.mjs",
		loot: 1,
		refusal: ["use vm.runInThisContext", NEVER],
	},
	{
		name: "import() in new Function",
		fixture: "imports-in-new-code.mjs",
		loot: 1,
		refusal: ["use vm.runInThisContext", NEVER],
	},
	{
		name: "import() in an indirect eval",
		fixture: "imports-in-eval.mjs",
		loot: 1,
		refusal: ["use vm.runInThisContext", NEVER],
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
		loot: 1,
		refusal: ["use vm.runInThisContext", NEVER],
	},
	{ name: "Module._load", fixture: "calls-the-loader.cjs", loot: 1, refusal: ["use vm.runInThisContext", NEVER] },
	{
		name: "methods that a guard may use",
		fixture: "patches-what-judges-imports.cjs",
		loot: 1,
		refusal: ["use vm.runInThisContext", NEVER],
	},
	{ name: "hooks of its own", fixture: "adds-hooks.mjs", loot: "object", refusal: ["module.registerHooks", NEVER] },
	{
		name: "process.getBuiltinModule",
		fixture: "asks-for-a-builtin.mjs",
		argument: () => ["vm", "runInThisContext", "1"],
		loot: "number",
		refusal: ["use vm.runInThisContext", NEVER],
	},
	{
		name: "process.getBuiltinModule of what has a prefix only",
		fixture: "asks-for-a-builtin.mjs",
		argument: () => ["node:sqlite", "backup"],
		refusal: ["use sqlite.backup", SQLITE],
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
]);
