/** Lists and calls while the host starts, for the first time and again. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { startServer } from "../../src/composition/start-server.ts";
import { lastingPort } from "../support/lasting-port.ts";
import { messagesOf, post, postModern } from "../support/mcp-post.ts";
import { testSetup } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const tool = (name: string): string =>
	`export default (server) => server.registerTool("${name}", {}, () => ({ content: [{ type: "text", text: "${name}" }] }));`;

/** What a module waits for before it starts. */
async function gate(t: TestContext) {
	let open = false;
	let asked = 0;
	const server = createServer((_request, response) => {
		asked += 1;
		response.end(open ? "open" : "closed");
	});
	t.after(() => server.close());
	await once(server.listen(0, "127.0.0.1"), "listening");
	const { port } = server.address() as AddressInfo;
	return {
		open: () => (open = true),
		close: () => (open = false),
		asked: () => asked,
		source: `while ((await (await fetch("http://127.0.0.1:${port}")).text()) !== "open");`,
	};
}

async function setup(t: TestContext) {
	const door = await gate(t);
	const port = await lastingPort();
	const files = { "mcps/a.js": tool("a"), "mcps/b.js": tool("b"), "mcps/slow.js": door.source + tool("slow") };
	const { folder, options } = await testSetup(t, {
		files,
		env: { PORT: String(port), MODULE_START_TIMEOUT_MS: "60000" },
	});
	const url = `http://127.0.0.1:${port}`;
	const accepts = () =>
		fetch(`${url}/livez`).then(
			() => true,
			() => false,
		);
	return {
		door,
		folder,
		url,
		/** Resolves as soon as it accepts requests. */
		async run() {
			const started = startServer(options);
			await until(accepts, "the host accepts requests");
			return started;
		},
		launch: async () => {
			const started = startServer(options);
			started.catch(() => undefined);
			await until(accepts, "the host accepts requests");
			return { started };
		},
		async tools() {
			const list = { jsonrpc: "2.0", id: 1, method: "tools/list", params: {} };
			const answers = [await post(url, list), await postModern(url, "tools/list", undefined, {})];
			return Promise.all(
				answers.map(async (answer) => {
					const { tools } = (await messagesOf(answer)).at(-1)?.result as {
						readonly tools: readonly { name: string }[];
					};
					return tools.map(({ name }) => name).join(" ");
				}),
			);
		},
		async call(name: string) {
			const answer = (await messagesOf(await postModern(url, "tools/call", name, { name, arguments: {} }))).at(-1);
			return JSON.stringify(answer?.result ?? answer?.error);
		},
	};
}

test("at the first start, lists and calls of what is not known yet wait for modules that are still starting", async (t) => {
	const host = await setup(t);
	const { started } = await host.launch();
	const tools = host.tools();
	const call = host.call("slow");
	const unknown = host.call("nobody");
	await until(() => host.door.asked() > 0, "the slow module starts");
	host.door.open();
	assert.deepEqual(await tools, ["a b slow", "a b slow"]);
	assert.match(await call, /"text":"slow"/);
	assert.match(await unknown, /not found/);
	await (await started).close();
});

test("at the next start, what was there before is listed at once, and its calls wait for it", async (t) => {
	const host = await setup(t);
	host.door.open();
	await (await host.run()).close();
	host.door.close();
	await rm(path.join(host.folder, "mcps/a.js"));
	const { started } = await host.launch();
	assert.deepEqual(await host.tools(), ["a b slow", "a b slow"], "with one that is gone: nobody knows yet");
	const call = host.call("slow");
	host.door.open();
	assert.match(await call, /"text":"slow"/);
	const server = await started;
	assert.deepEqual(await host.tools(), ["b slow", "b slow"]);
	await server.close();
});

test("at the next start, lists wait for a module that is new", async (t) => {
	const host = await setup(t);
	host.door.open();
	await (await host.run()).close();
	await writeFile(path.join(host.folder, "mcps/new.js"), tool("new"));
	const { started } = await host.launch();
	assert.deepEqual(await host.tools(), ["a b new slow", "a b new slow"]);
	await (await started).close();
});

test("a module that does not start any more keeps its place in the lists, and nobody waits for it", async (t) => {
	const host = await setup(t);
	host.door.open();
	await (await host.run()).close();
	await writeFile(path.join(host.folder, "mcps/a.js"), "throw new Error('not today');");
	const server = await host.run();
	assert.deepEqual(await host.tools(), ["a b slow", "a b slow"]);
	assert.match(await host.call("a"), /not today/);
	await server.close();
});

test("a damaged file of what was offered is told of, and is as good as none", async (t) => {
	const host = await setup(t);
	host.door.open();
	await (await host.run()).close();
	await writeFile(path.join(host.folder, ".bulkhead/mcp-catalog.jsonl"), '["bulkhead catalog",1]\n["mcps/a","{}"]\n');
	const server = await host.run();
	assert.deepEqual(await host.tools(), ["a b slow", "a b slow"]);
	await server.close();
});
