import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServerContext } from "@modelcontextprotocol/server";
import { createRequestStateSeal } from "../../../src/mcp/protocol/request-state.ts";

const KEY = "k".repeat(32);
const context = (method = "tools/call", clientId?: string): ServerContext =>
	({ mcpReq: { method }, ...(clientId !== undefined && { http: { authInfo: { clientId } } }) }) as ServerContext;

test("state comes back as it was, to every replica with the key", async () => {
	const sealed = await createRequestStateSeal(KEY).seal("a text", "deploy", context());
	const replica = createRequestStateSeal(KEY);
	assert.equal(replica.open(await replica.verify(sealed, context()), "deploy"), "a text");
});

test("state that was changed, or minted for another tool, method or client, or with another key, is refused", async () => {
	const seal = createRequestStateSeal(KEY);
	const sealed = await seal.seal("a text", "deploy", context("tools/call", "ann"));
	const verified = await seal.verify(sealed, context("tools/call", "ann"));
	assert.throws(() => seal.open(verified, "destroy"), /Invalid or expired requestState/);
	await assert.rejects(async () => seal.verify(`${sealed.slice(0, -2)}AA`, context("tools/call", "ann")));
	await assert.rejects(async () => seal.verify(sealed, context("prompts/get", "ann")));
	await assert.rejects(async () => seal.verify(sealed, context("tools/call", "bob")));
	await assert.rejects(async () => createRequestStateSeal().verify(sealed, context("tools/call", "ann")));
});
