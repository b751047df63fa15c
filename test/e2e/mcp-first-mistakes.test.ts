/** What people write first, and what it says where it cannot work. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connectBoth } from "../support/both-clients.ts";
import { messagesOf, openSession, post, postModern } from "../support/mcp-post.ts";
import { sampleOf, startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const ANSWERS = { sampled: {}, roots: { roots: [] }, elicited: () => ({ action: "decline" }) };
/** Many modules start at once, on whatever else the machine has to do. */
const PATIENT = { MODULE_START_TIMEOUT_MS: "60000" };
const SERVER =
	'import { McpServer } from "@modelcontextprotocol/server"; const own = () => new McpServer({ name: "x", version: "1" });';

/** By module, its source, and what its `load_error` names. */
const WRONG: Readonly<Record<string, readonly [source: string, said: RegExp]>> = {
	nothing: ["const x = 1;", /exports nothing.*export default \(server\)/],
	named: [
		"export const register = () => {}; export const other = 1;",
		/no default export \(it exports (register, other|other, register)\)/,
	],
	object: ["export default { name: 'x', tools: [] };", /a value of type object/],
	text: ["export default 'x';", /a value of type string/],
	promise: ["export default Promise.resolve(() => {});", /a promise/],
	class: ["export default class Tools { constructor(server) {} }", /the class Tools/],
	instance: [`${SERVER} export default own();`, /a server of its own/],
	factory: [`${SERVER} export default () => own();`, /returns a server of its own/],
	tool: [
		"export default (server) => { server.tool('x', async () => ({ content: [] })); };",
		/server\.tool\(\).*server\.registerTool\(/,
	],
	prompt: [
		"export default (server) => { server.prompt('x', async () => ({})); };",
		/server\.prompt\(\).*server\.registerPrompt\(/,
	],
	resource: [
		"export default (server) => { server.resource('x', 'x://y', async () => ({})); };",
		/server\.resource\(\).*server\.registerResource\(/,
	],
	twice: [
		"export default (server) => { for (const n of [1, 2]) server.registerTool('x', {}, () => ({ content: [] })); };",
		/registerTool\("x"\)/,
	],
};

test("a module that exports no registering function, or calls the 1.x SDK's methods, says in one sentence what to write", async (t) => {
	const files = Object.fromEntries(Object.entries(WRONG).map(([name, [source]]) => [`mcps/${name}.js`, source]));
	files["mcps/good.js"] = "export default (server) => { server.registerTool('good', {}, () => ({ content: [] })); };";
	const server = await startTestServer(t, { files, env: PATIENT });
	for (const [name, [, said]] of Object.entries(WRONG)) {
		const { message = "" } = (await server.module(`mcps/${name}`)).load_error ?? {};
		assert.match(message, said, name);
		assert.ok(message.length < 400 && !message.includes("\n"), message);
	}
	assert.equal((await server.execute("good")).status, 200);
});

const KINDS = `
	import { Counter, Gauge, Histogram, Summary } from "prom-client";
	export default (server, { notify }) => {
		const hits = new Counter({ name: "hits_total", help: "x", labelNames: ["who"] });
		const level = new Gauge({ name: "level_ratio", help: "x" });
		const took = new Histogram({ name: "took_seconds", help: "x", buckets: [1, 2] });
		const sizes = new Summary({ name: "sizes_bytes", help: "x", percentiles: [0.5] });
		server.registerTool("hit", {}, (ctx) => {
			hits.inc({ who: "a" });
			hits.labels("b").inc(2);
			level.inc();
			took.observe(1.5);
			sizes.observe(10);
			return { content: [] };
		});
		server.registerTool("again", {}, () => (notify.toolsChanged(), { content: [] }));
	};`;

test("metrics that are made in the module's function are the same ones each time that it runs", async (t) => {
	for (const library of ["prom-client", "@prometheus-io/client", "@platformatic/prom-client"]) {
		const source = KINDS.replace("prom-client", library);
		const server = await startTestServer(t, { files: { "mcps/m.js": source }, env: { COLLECT_INTERVAL_MS: "50" } });
		for (const client of await connectBoth(t, server.url, ANSWERS))
			await client.callTool({ name: "hit", arguments: {} });
		await server.execute("again");
		assert.equal((await server.execute("hit")).status, 200);
		const wanted = {
			'hits_total{who="a"}': 3,
			'hits_total{who="b"}': 6,
			level_ratio: 3,
			took_seconds_count: 3,
			'took_seconds_bucket{le="2"}': 3,
			sizes_bytes_sum: 30,
		};
		await until(async () => sampleOf(await server.metrics(), 'hits_total{who="a"}') === 3, `${library} counts`);
		const page = await server.metrics();
		for (const [series, value] of Object.entries(wanted))
			assert.equal(sampleOf(page, series), value, `${library} ${series}`);
		await server.close();
	}
});

test("a metric that is made twice in one run, or under other labels, says to make it at the top of the file", async (t) => {
	const counter = "new Counter({ name: 'x_total', help: 'x' });";
	const files = {
		"mcps/a.js": `import { Counter } from "prom-client"; export default () => { ${counter} ${counter} };`,
		"mcps/b.js": `import { Counter } from "prom-client"; ${counter} export default () => { ${counter} };`,
		"mcps/c.js": `import { Counter } from "prom-client"; let n = 0;
			export default () => { new Counter({ name: "y_total", help: "x", labelNames: ["l" + n++] }); };`,
	};
	const server = await startTestServer(t, { files, env: PATIENT });
	for (const id of ["mcps/a", "mcps/b", "mcps/c"]) {
		assert.match((await server.module(id)).load_error?.message ?? "", /make metrics at the top of the file/, id);
	}
});

test("wrong parameters are the client's mistake, and a resource that is not there has the code of its era", async (t) => {
	const { url, rpc } = await startTestServer(t, {
		files: {
			"mcps/a.js": `
				import { ResourceTemplate } from "@modelcontextprotocol/server";
				export default (server) => {
					server.registerPrompt("p", {}, () => ({ messages: [] }));
					server.registerResource("t", new ResourceTemplate("doc://{x}/y", {}), {}, () => ({ contents: [] }));
				};`,
		},
	});
	const session = await openSession(url);
	const WRONG_PARAMS = [
		["tools/list", { cursor: 5 }],
		["tools/list", { cursor: "x" }],
		["prompts/list", { cursor: {} }],
		["resources/list", { cursor: [] }],
		["resources/templates/list", { cursor: false }],
		["tools/call", { name: 5 }],
		["prompts/get", { name: 5 }],
		["resources/read", { uri: 5 }],
		["completion/complete", { ref: {} }],
	] as const;
	for (const [method, params] of WRONG_PARAMS) {
		const what = `${method} ${JSON.stringify(params)}`;
		assert.equal((await rpc(method, params)).error?.code, -32602, what);
		const message = { jsonrpc: "2.0", id: 1, method, params };
		const [answer] = await messagesOf(await post(url, message, session));
		assert.equal((answer?.error as { code?: number } | undefined)?.code, -32602, what);
	}
	const code = async (response: Response) =>
		((await messagesOf(response)).at(-1)?.error as { code?: number } | undefined)?.code;
	for (const uri of ["nobody://x", "doc://x/z"]) {
		const read = { jsonrpc: "2.0", id: 1, method: "resources/read", params: { uri } };
		assert.equal(await code(await post(url, read)), -32002, uri);
		assert.equal(await code(await post(url, read, session)), -32002, uri);
		assert.equal(await code(await postModern(url, "resources/read", uri, { uri })), -32602, uri);
	}
});
