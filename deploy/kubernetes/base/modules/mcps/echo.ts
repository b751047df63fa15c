// An example: put the files of your modules beside it, and name them in kustomization.yaml.
import type { McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";

export default function register(server: McpServer): void {
	server.registerTool(
		"echo",
		{ description: "Answers with what it was given", inputSchema: z.object({ text: z.string() }) },
		({ text }) => ({ content: [{ type: "text", text }] }),
	);
}
