// Lets an agent operate this very host: which modules run and why not, their log, a restart.
//   plugins.yaml: mcps/host-status: { env: [BULKHEAD_URL, BULKHEAD_TOKEN] }   # a token of scope admin, where there are any

import type { McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";
import type { ModuleContext } from "../../workers/contract.ts";

const ModuleId = z
	.string()
	.regex(/^(metrics|mcps)\/[\w.-]+$/)
	.describe("Such as metrics/disk");

export default function register(server: McpServer, { env }: ModuleContext): void {
	const ask = async (method: string, path: string): Promise<string> => {
		const headers = env["BULKHEAD_TOKEN"] ? { authorization: `Bearer ${env["BULKHEAD_TOKEN"]}` } : {};
		const response = await fetch(`${env["BULKHEAD_URL"] ?? "http://127.0.0.1:8000"}${path}`, { method, headers });
		const body = await response.text();
		if (!response.ok) throw new Error(`the host answered ${response.status}: ${body.slice(0, 500)}`);
		return body;
	};
	const reading = { annotations: { readOnlyHint: true } };

	server.registerTool(
		"modules_list",
		{ description: "All modules with state, restarts and errors", ...reading },
		async () => text(await ask("GET", "/api/modules")),
	);
	server.registerTool(
		"logs_tail",
		{
			description: "The last lines of a module's log",
			inputSchema: z.object({ module: ModuleId, lines: z.int().min(1).max(500).default(50) }),
			...reading,
		},
		async ({ module, lines }) => text(await ask("GET", `/api/modules/${module}/logs?lines=${lines}`)),
	);
	server.registerTool(
		"module_restart",
		{
			description: "Starts a module again",
			inputSchema: z.object({ module: ModuleId }),
			annotations: { destructiveHint: true },
		},
		async ({ module }) => text((await ask("POST", `/api/modules/${module}/restart`)) || `${module} is being restarted`),
	);
}

function text(content: string) {
	return { content: [{ type: "text" as const, text: content }] };
}
