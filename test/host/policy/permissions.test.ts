import assert from "node:assert/strict";
import { test } from "node:test";
import { type SandboxPolicy, workerExecArgv, workerReads } from "../../../src/host/policy/permissions.ts";

const STANDARD: SandboxPolicy = { level: "standard", net: true, childProcess: false, read: ["/a", "/b,c"] };
const permissions = (flags: readonly string[]): readonly string[] =>
	flags.filter((flag) => flag.startsWith("--allow-") && !flag.startsWith("--allow-fs-read"));

test("the flags are those that the policy grants", () => {
	assert.deepEqual(workerExecArgv(STANDARD, 26), [
		"--permission",
		"--no-addons",
		"--allow-net",
		"--disable-warning=ExperimentalWarning",
		"--disable-warning=SecurityWarning",
		"--allow-fs-read=/a",
		"--allow-fs-read=/b,c",
	]);
	assert.deepEqual(permissions(workerExecArgv({ ...STANDARD, net: false }, 26)), []);
	assert.deepEqual(permissions(workerExecArgv({ ...STANDARD, childProcess: true }, 26)), [
		"--allow-net",
		"--allow-child-process",
	]);
});

test("Node 24 does not know the flag for the network", () => {
	assert.deepEqual(permissions(workerExecArgv(STANDARD, 24)), []);
});

test("strict grants neither the network nor programs", () => {
	assert.deepEqual(permissions(workerExecArgv({ ...STANDARD, level: "strict", childProcess: true }, 26)), []);
});

test("off restricts nothing", () => {
	assert.deepEqual(workerExecArgv({ ...STANDARD, level: "off" }, 26), []);
});

test("a worker reads its program, its bundle, its own files and the packages", () => {
	const reads = workerReads({
		entry: "/app/dist/workers/mcp-worker.js",
		bundlePath: "/state/modules/mcps-a/1234.mjs",
		modulePath: "/app/mcps/a",
		packages: ["/app/node_modules/prom-client", "/repo/node_modules/.pnpm/zod@4.0.0/node_modules/zod"],
	});
	assert.deepEqual(reads, [
		"/app/dist/workers",
		"/app/dist/package.json",
		"/app/package.json",
		"/state/modules/mcps-a",
		"/app/mcps/a",
		"/app/node_modules/prom-client",
		"/repo/node_modules/.pnpm/zod@4.0.0/node_modules/zod",
	]);
});

test("from source, package.json lies beside workers/", () => {
	const reads = workerReads({ entry: "/app/workers/w.ts", bundlePath: "/s/b.mjs", modulePath: "/m.ts", packages: [] });
	assert.deepEqual(reads, ["/app/workers", "/app/package.json", "/s", "/m.ts"]);
});
