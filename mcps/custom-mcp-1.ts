// The smallest MCP module that has one of each: a tool, a resource, a resource template and a prompt.
// The function may run once for every client, so it only registers; what is shared lives outside of it.

import { type McpServer, ResourceTemplate } from "@modelcontextprotocol/server";
import * as z from "zod";

export default function register(server: McpServer): void {
	server.registerTool(
		"add",
		{
			description: "Add two numbers",
			inputSchema: z.object({ a: z.number(), b: z.number() }),
			annotations: { readOnlyHint: true },
		},
		({ a, b }) => ({ content: [{ type: "text", text: String(a + b) }] }),
	);

	server.registerResource(
		"hello",
		"greeting://hello",
		{ description: "Simple greeting", mimeType: "text/plain" },
		(uri) => ({ contents: [{ uri: uri.href, mimeType: "text/plain", text: "Hello!" }] }),
	);

	server.registerResource(
		"greeting",
		new ResourceTemplate("greeting://{name}", { list: undefined }),
		{ description: "Get a personalized greeting message", mimeType: "text/plain" },
		(uri, { name }) => ({
			contents: [{ uri: uri.href, mimeType: "text/plain", text: `Hello, ${decodeURIComponent(String(name))}!` }],
		}),
	);

	server.registerPrompt(
		"weather_report",
		{
			description: "Generate a weather query prompt template",
			argsSchema: z.object({
				city: z.string().describe("Name of the city"),
				date: z.string().describe('Day of the report, such as "today" or "2026-07-28"'),
			}),
		},
		({ city, date }) => ({
			messages: [
				{
					role: "user",
					content: {
						type: "text",
						text: `Please tell me the weather in ${city} on ${date}:`,
					},
				},
			],
		}),
	);
}
