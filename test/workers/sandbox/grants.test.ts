import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { FIXTURES, MODULE_ID, runSandboxed } from "../../support/sandbox-run.ts";

const DENIED = "ERR_BULKHEAD_DENIED";
const readable = join(FIXTURES, "readable.txt");
const CHILD = { policy: { childProcess: true } };

async function serve(t: TestContext): Promise<string> {
	const server = createServer((_request, response) => response.end("answered"));
	await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
	t.after(() => server.close());
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("net opens the network", async () => {
	const { value, error } = await runSandboxed("listens.mjs", { policy: { net: true } });
	assert.deepEqual(value, ["served", "function"], String(error?.message));
});

test("net opens no http2 server, whose streams send any descriptor", async () => {
	const { error } = await runSandboxed("serves-http2.mjs", { policy: { net: true } });
	assert.match(`${error?.code} ${error?.message}`, /^ERR_BULKHEAD_DENIED .*http2\.createServer/);
});

test("strict closes the network whatever is granted, and says what would open it", async (t) => {
	const { error } = await runSandboxed("fetches.mjs", {
		policy: { level: "strict", net: true, childProcess: true },
		argument: await serve(t),
	});
	assert.equal(error?.code, DENIED);
	assert.match(error?.message ?? "", /SANDBOX=strict closes it .* SANDBOX=standard .*`permissions: \{ net: true \}`/);
});

test("strict closes programs too", async () => {
	const { error } = await runSandboxed("runs-a-program.mjs", { policy: { level: "strict", childProcess: true } });
	assert.equal(error?.code, DENIED);
});

test("a closed network is closed to undici's dispatcher too", async (t) => {
	const options = { argument: await serve(t), hasFlags: false };
	assert.equal((await runSandboxed("dispatches-with-undici.mjs", { ...options, isLocked: false })).value, "answered");
	const { error } = await runSandboxed("dispatches-with-undici.mjs", options);
	assert.equal(error?.code, DENIED, String(error?.message));
});

test("childProcess opens programs, in both ways", async () => {
	assert.equal((await runSandboxed("runs-a-program.mjs", CHILD)).value, "ran\n");
	assert.equal((await runSandboxed("runs-a-program-asynchronously.mjs", CHILD)).value, "ran\n");
});

test("read opens what it names", async (t) => {
	// Elsewhere than the working directory, which Node lets a worker read.
	const folder = mkdtempSync(join(tmpdir(), "bulkhead-sandbox-"));
	t.after(() => rmSync(folder, { recursive: true }));
	const path = join(folder, "granted.txt");
	writeFileSync(path, "granted");
	assert.equal((await runSandboxed("reads-a-file.mjs", { argument: path })).error?.code, DENIED);
	const granted = await runSandboxed("reads-a-file.mjs", { argument: path, policy: { read: [path] } });
	assert.equal(granted.value, "granted");
});

test("what may not be read is not there for those who only ask, who expect no error", async () => {
	for (const [path, isThere] of [
		["/etc/passwd", false],
		[readable, true],
	] as const) {
		const { value, error } = await runSandboxed("asks-whether-a-file-is-there.mjs", { argument: path });
		const expected = { existsSync: isThere, exists: isThere, promisified: isThere };
		assert.deepEqual(value, expected, String(error?.message));
	}
});

test("files are read as usual: descriptors of its own, handles, streams, promises", async () => {
	const { value, error } = await runSandboxed("uses-files-as-usual.mjs", { argument: readable });
	const text = readFileSync(readable, "utf8");
	assert.deepEqual(
		value,
		{
			bytesRead: 6,
			byHandle: text,
			lines: text.trimEnd().split("\n"),
			size: text.length,
			closed: -1,
			streamed: text,
			whole: text,
			native: "function",
		},
		String(error?.message),
	);
});

test("the environment is what was granted", async () => {
	assert.deepEqual((await runSandboxed("reads-its-environment.mjs")).value, { GRANTED: "yes" });
});

test("under off everything is open, and the output goes to the log", async () => {
	const off = { policy: { level: "off" as const } };
	assert.equal((await runSandboxed("signals.mjs", off)).value, true);
	assert.equal((await runSandboxed("imports-anything.mjs", { ...off, argument: ["node:vm"] })).value, "object");
	const { output } = await runSandboxed("exits.mjs", off);
	assert.deepEqual(output, [{ stream: "stdout", text: "last words" }]);
});

test("process.exit ends the thread with its code, and what was said before arrives", async () => {
	const { exitCode, output } = await runSandboxed("exits.mjs");
	assert.equal(exitCode, 3);
	assert.deepEqual(output, [{ stream: "stdout", text: "last words" }]);
});

for (const libraries of [["prom-client", "@modelcontextprotocol/server", "zod"], []]) {
	const when = libraries.length > 0 ? "imported before the lock" : "imported by the module";
	test(`prom-client, McpServer and zod work under the lock, ${when}`, async () => {
		const { value, error } = await runSandboxed("uses-the-libraries.mjs", {
			// prom-client imports `http`, which only a trusted copy may while the network is closed.
			policy: { net: libraries.length === 0 },
			libraries: libraries.map((name) => import.meta.resolve(name)),
		});
		assert.equal((value as { sum?: string } | undefined)?.sum, "12", String(error?.stack));
		const { families } = value as { families: readonly string[] };
		for (const name of [
			"things_total",
			"process_cpu_seconds_total",
			"nodejs_active_handles",
			"nodejs_heap_space_size_used_bytes",
		]) {
			assert.ok(families.includes(name), name);
		}
	});
}

test("a refusal names the module", async () => {
	const { error } = await runSandboxed("signals.mjs");
	assert.equal(error?.message, `${MODULE_ID} may not use process.kill: no permission in plugins.yaml opens it.`);
});
