// Things to remember between calls, for every client of this host: set, get, search, delete. They last as long as this
// version of the module runs; a save or a crash begins afresh, since a module keeps nothing on disk without a grant.

import type { McpServer } from "@modelcontextprotocol/server";
import { Counter } from "prom-client";
import * as z from "zod";

const MOST_ENTRIES = 1000;
const MOST_FOUND = 50;

const operations = new Counter({
	name: "mcp_memory_operations_total",
	help: "Operations on the memory by how they ended",
	labelNames: ["operation", "status"],
});

const entries = new Map<string, string>();
const Key = z.string().min(1).max(200);

export default function register(server: McpServer): void {
	server.registerTool(
		"memory_set",
		{ description: "Remember a text under a key", inputSchema: z.object({ key: Key, value: z.string().max(65_536) }) },
		({ key, value }) => {
			if (!entries.has(key) && entries.size >= MOST_ENTRIES)
				return failed("set", `the memory is full (${MOST_ENTRIES} keys): delete one first`);
			entries.set(key, value);
			return done("set", `remembered ${key}`);
		},
	);
	server.registerTool(
		"memory_get",
		{ description: "The text under a key", inputSchema: z.object({ key: Key }), annotations: { readOnlyHint: true } },
		({ key }) => {
			const value = entries.get(key);
			return value === undefined ? failed("get", `nothing is remembered under ${key}`) : done("get", value);
		},
	);
	server.registerTool(
		"memory_search",
		{
			description: "Keys whose name or text contains a text",
			inputSchema: z.object({ text: z.string().min(1).max(200) }),
			annotations: { readOnlyHint: true },
		},
		({ text }) => {
			const wanted = text.toLowerCase();
			const found = [...entries].filter((pair) => pair.some((part) => part.toLowerCase().includes(wanted)));
			const keys = found.slice(0, MOST_FOUND).map(([key]) => key);
			return done("search", keys.join("\n") || "nothing was found");
		},
	);
	server.registerTool(
		"memory_delete",
		{ description: "Forget a key", inputSchema: z.object({ key: Key }), annotations: { destructiveHint: true } },
		({ key }) =>
			entries.delete(key) ? done("delete", `forgot ${key}`) : failed("delete", `nothing is remembered under ${key}`),
	);
}

function done(operation: string, text: string) {
	operations.inc({ operation, status: "success" });
	return { content: [{ type: "text" as const, text }] };
}

function failed(operation: string, text: string) {
	operations.inc({ operation, status: "error" });
	return { content: [{ type: "text" as const, text }], isError: true };
}
