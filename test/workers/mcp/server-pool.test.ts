import assert from "node:assert/strict";
import { test } from "node:test";
import { buildInstances } from "../../../workers/mcp/server-pool.ts";

const META = {
	"io.modelcontextprotocol/protocolVersion": "2026-07-28",
	"io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
	"io.modelcontextprotocol/clientCapabilities": {},
	"io.modelcontextprotocol/logLevel": "info",
};

test("what a 2026-07-28 handler says through the server object belongs to its own call, however many run", async () => {
	const instances = await buildInstances({
		register(server) {
			server.registerTool("says", {}, async (context) => {
				await server.server.notification({
					method: "notifications/message",
					params: { level: "info", data: context.mcpReq._meta?.["example.com/from"] },
				});
				return { content: [] };
			});
		},
		context: {} as never,
		serverInfo: { name: "test", version: "1" },
		onListChanged: () => undefined,
		onResourceUpdated: () => undefined,
		onPushed: () => undefined,
		onTooLong: () => undefined,
		onTaskChanged: () => undefined,
		onFailed: () => undefined,
	});
	const heard: Record<string, unknown[]> = { a: [], b: [], c: [] };
	await Promise.all(
		Object.entries(heard).map(([from, said]) =>
			instances.modern.request(
				{ method: "tools/call", params: { name: "says", _meta: { ...META, "example.com/from": from } } },
				{
					signal: new AbortController().signal,
					emit: (json) => void said.push(JSON.parse(json).params.data),
					ask: () => Promise.reject(new Error("nobody is asked here")),
				},
			),
		),
	);
	assert.deepEqual(heard, { a: ["a"], b: ["b"], c: ["c"] });
});
