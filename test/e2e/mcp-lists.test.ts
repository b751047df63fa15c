import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { messagesOf, post, postModern } from "../support/mcp-post.ts";
import { startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

/** Resources that are made up for who asks; tools hold the answer back until they are told, and say who has asked. */
const personal = (scheme: string): string => `
	import { ResourceTemplate } from "@modelcontextprotocol/server";
	import * as z from "zod";
	const asked = [];
	const gate = Promise.withResolvers();
	export default (server) => {
		const list = async ({ mcpReq }) => {
			const { who, count = 1, gated, never } = mcpReq._meta ?? {};
			if (who === undefined) return { resources: [] };
			asked.push(who);
			if (gated) await gate.promise;
			if (never) await new Promise(() => {});
			const names = Array.from({ length: count }, (_, index) => who + String(index).padStart(3, "0"));
			return { resources: names.map((name) => ({ uri: "${scheme}://" + name, name })) };
		};
		const template = new ResourceTemplate("${scheme}://{name}", { list });
		server.registerResource("${scheme}", template, {}, () => ({ contents: [] }));
		server.registerTool("${scheme}-asked", {}, () => ({ content: [{ type: "text", text: asked.join() }] }));
		server.registerTool("${scheme}-open", {}, () => (gate.resolve(), { content: [] }));
	};`;

test("a client that lists while another does gets what was made up for itself", async (t) => {
	const { list, execute } = await startPersonal(t);
	const asked = async (scheme: string) => (await execute(`${scheme}-asked`)).body.content?.[0]?.text;
	const ann = list("a", { gated: true });
	await until(async () => (await asked("slow")) === "a" && (await asked("quick")) === "a", "both modules are asked");
	assert.deepEqual((await list("b")).uris, ["quick://b000", "slow://b000"]);
	await execute("slow-open");
	assert.deepEqual((await ann).uris, ["quick://a000", "slow://a000"]);
});

test("the second page is of the client's own list, whoever else has listed in between", async (t) => {
	const { list } = await startPersonal(t, { LIST_PAGE_SIZE: "250" });
	const first = await list("b", { count: 251 });
	assert.equal(first.uris.length, 250);
	await list("c");
	const second = await list("b", { count: 251 }, first.nextCursor);
	assert.deepEqual(second.uris, [
		"quick://b250",
		...first.uris.map((uri) => uri.replace("quick", "slow")).slice(0, 249),
	]);
	assert.deepEqual((await list("b", { count: 251 }, second.nextCursor)).uris, ["slow://b249", "slow://b250"]);
});

test("a module that does not list in time has what it offers listed, and nothing of another client", async (t) => {
	const { list } = await startPersonal(t, { CALL_TIMEOUT_MS: "3000" });
	assert.deepEqual((await list("b")).uris, ["quick://b000", "slow://b000"]);
	assert.deepEqual((await list("a", { never: true })).uris, []);
});

/** As `quick`, which has its answer at once, and `slow`, which waits for its gate where asked to. */
async function startPersonal(t: Parameters<typeof startTestServer>[0], env: Readonly<Record<string, string>> = {}) {
	const quick = personal("quick").replace("if (gated) await gate.promise;", "");
	const files = { "mcps/quick.js": quick, "mcps/slow.js": personal("slow") };
	const { url, execute } = await startTestServer(t, { files, env });
	return {
		execute,
		async list(who: string, how: object = {}, cursor?: string) {
			const params = { _meta: { who, ...how }, ...(cursor !== undefined && { cursor }) };
			const [answer] = await messagesOf(await post(url, { jsonrpc: "2.0", id: 1, method: "resources/list", params }));
			const listed = answer?.result as { resources: { uri: string }[]; nextCursor?: string };
			return { uris: listed.resources.map(({ uri }) => uri), nextCursor: listed.nextCursor };
		},
	};
}

/** More tools than two pages hold, and fewer than three. */
const MANY = `
	export default (server) => {
		for (let i = 0; i < 600; i++) server.registerTool("tool-" + i, {}, () => ({ content: [] }));
	};`;

for (const mode of ["legacy", "auto"] as const) {
	test(`the SDK's client pages through a long list, versionNegotiation ${mode}`, async (t) => {
		const { url } = await startTestServer(t, { files: { "mcps/many.js": MANY }, env: { LIST_PAGE_SIZE: "250" } });
		const client = new Client({ name: "pages", version: "1" }, { versionNegotiation: { mode } });
		t.after(() => client.close());
		let lists = 0;
		const counting: typeof fetch = (input, init) => {
			if (typeof init?.body === "string" && init.body.includes('"tools/list"')) lists += 1;
			return fetch(input, init);
		};
		await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { fetch: counting }));
		const { tools, nextCursor } = await client.listTools();
		assert.deepEqual(
			tools.map(({ name }) => name),
			Array.from({ length: 600 }, (_, index) => `tool-${index}`).toSorted(),
		);
		assert.equal(nextCursor, undefined);
		assert.equal(lists, 3);
	});
}

const HINTED = `
	import { ResourceTemplate } from "@modelcontextprotocol/server";
	export default (server) => {
		const read = ({ href: uri }) => ({ contents: [{ uri, text: "" }] });
		server.registerTool("tool", {}, () => ({ content: [] }));
		server.registerResource("plain", "doc://plain", {}, read);
		server.registerResource("hinted", "doc://hinted", { cacheHint: { ttlMs: 60000, cacheScope: "public" } }, read);
		const template = new ResourceTemplate("made://{name}", { list: undefined });
		server.registerResource("made", template, { cacheHint: { ttlMs: 7000 } }, read);
	};`;

test("results say for how long they may be kept, in the 2026-07-28 era alone; of a resource its module says it", async (t) => {
	const { url, rpc } = await startTestServer(t, { files: { "mcps/hinted.js": HINTED } });
	const hint = async (method: string, params: { readonly uri?: string } = {}) => {
		const answer = (await messagesOf(await postModern(url, method, params.uri, params))).at(-1);
		const { ttlMs, cacheScope } = (answer?.result ?? {}) as Readonly<Record<string, unknown>>;
		return { ttlMs, cacheScope };
	};
	for (const method of [
		"tools/list",
		"prompts/list",
		"resources/list",
		"resources/templates/list",
		"server/discover",
	]) {
		assert.deepEqual(await hint(method), { ttlMs: 5000, cacheScope: "public" }, method);
	}
	assert.deepEqual(await hint("resources/read", { uri: "doc://plain" }), { ttlMs: 0, cacheScope: "private" });
	assert.deepEqual(await hint("resources/read", { uri: "doc://hinted" }), { ttlMs: 60_000, cacheScope: "public" });
	assert.deepEqual(await hint("resources/read", { uri: "made://x" }), { ttlMs: 7000, cacheScope: "private" });
	for (const [method, params] of [["tools/list"], ["resources/read", { uri: "doc://hinted" }]] as const) {
		const { result } = await rpc(method, params);
		assert.deepEqual([result?.["ttlMs"], result?.["cacheScope"]], [undefined, undefined], method);
	}
});
