import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzz } from "../../scripts/mcp-fuzz.ts";
import { startTestServer } from "../support/test-server.ts";

test("mutated requests get answers that say no, and the host goes on", async (t) => {
	const server = await startTestServer(t, { examples: true });
	const { statuses, inSession, findings } = await fuzz({ url: server.url, requests: 1500, seed: 20_261_121 });
	assert.deepEqual(findings, []);
	assert.ok((statuses["400"] ?? 0) > 500, "most of them are refused");
	assert.ok((statuses["200"] ?? 0) > 100, "and some are answered");
	assert.ok(inSession > 250, "many of them within a session");
	assert.ok((statuses["202"] ?? 0) > 10, "which takes notifications");
	assert.equal((await server.execute("add", { a: 5, b: 7 })).body.content?.[0]?.text, "12");
});
