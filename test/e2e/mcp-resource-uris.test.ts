import assert from "node:assert/strict";
import { test } from "node:test";
import { connectBoth } from "../support/both-clients.ts";
import { startTestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const ANSWERS = { sampled: {}, roots: { roots: [] }, elicited: () => ({ action: "decline" }) };

/** URIs of which URL parsing makes something else, two that it takes for one, and what is no URL at all. */
const URIS = [
	"http://Example.com/Doc",
	"http://example.com",
	"HTTP://example.com/",
	"docs://größe",
	"file:///a b.txt",
	"https://example.com:443/x",
	"docs://a/../b",
	"not a uri",
	"urn:x:y",
	"docs://plain",
];

const MODULE = `
	import { ResourceTemplate } from "@modelcontextprotocol/server";
	export default (server, { notify }) => {
		for (const uri of ${JSON.stringify(URIS)}) {
			server.registerResource(uri, uri, {}, (url) => ({ contents: [{ uri: url.href, text: "of " + uri }] }));
		}
		const said = (url, values) => ({ contents: [{ uri: url.href, text: JSON.stringify(values) }] });
		server.registerResource("note", new ResourceTemplate("note://{name}", {}), {}, said);
		server.registerResource("find", new ResourceTemplate("find://x{?q,limit}", {}), {}, said);
		server.registerTool("touch", {}, () => {
			for (const uri of ${JSON.stringify(URIS)}) notify.resourceUpdated(URL.parse(uri) ?? uri);
			return { content: [] };
		});
	};`;

test("what is listed is read by the very string, in both eras, and by another spelling of it", async (t) => {
	const { url } = await startTestServer(t, { files: { "mcps/m.js": MODULE } });
	for (const client of await connectBoth(t, url, ANSWERS)) {
		const text = async (uri: string) => ((await client.readResource({ uri })).contents[0] as { text?: string }).text;
		const listed = (await client.listResources()).resources.map(({ uri }) => uri);
		assert.deepEqual(listed.toSorted(), URIS.toSorted());
		for (const uri of listed) assert.equal(await text(uri), `of ${uri}`);
		assert.equal(await text("http://EXAMPLE.com/Doc"), "of http://Example.com/Doc");
		assert.equal(await text("docs://gr%C3%B6%C3%9Fe"), "of docs://größe");
		await assert.rejects(text("http://example.com/doc"));
	}
});

test("template variables arrive decoded, and queries match in any order or not at all", async (t) => {
	const { url } = await startTestServer(t, { files: { "mcps/m.js": MODULE } });
	const wanted = {
		"note://a%20b": { name: "a b" },
		"note://größe": { name: "größe" },
		"note://a%2Fb": { name: "a/b" },
		"note://100%": { name: "100%" },
		"find://x": {},
		"find://x?limit=5": { limit: "5" },
		"find://x?limit=5&q=a": { limit: "5", q: "a" },
	};
	for (const client of await connectBoth(t, url, ANSWERS)) {
		for (const [uri, values] of Object.entries(wanted)) {
			const [content] = (await client.readResource({ uri })).contents;
			assert.deepEqual(JSON.parse((content as { text: string }).text), values, uri);
		}
	}
});

test("a client that subscribes to the string that is listed hears of an update of any spelling", async (t) => {
	const { url } = await startTestServer(t, { files: { "mcps/m.js": MODULE } });
	const [client] = await connectBoth(t, url, ANSWERS);
	const heard = new Set<string>();
	client.fallbackNotificationHandler = async ({ method, params }) => {
		if (method === "notifications/resources/updated") heard.add(String(params?.["uri"]));
	};
	for (const uri of URIS) await client.subscribeResource({ uri });
	await client.callTool({ name: "touch", arguments: {} });
	await until(() => URIS.every((uri) => heard.has(uri)), "every subscription is told");
});
