// The tool that every server of this benchmark serves, as an MCP module and as anything else.

import type { McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";

export default function register(server: McpServer): void {
	server.registerTool(
		"add",
		{ description: "Add two numbers", inputSchema: z.object({ a: z.number(), b: z.number() }) },
		({ a, b }) => ({ content: [{ type: "text", text: String(a + b) }] }),
	);
}
