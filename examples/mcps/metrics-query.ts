// Lets an agent read the metrics of this very host, by name and labels.
//   plugins.yaml: mcps/metrics-query: { env: [BULKHEAD_URL, BULKHEAD_TOKEN] }   # a token of scope metrics, where there are any

import type { McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";
import type { ModuleContext } from "../../workers/contract.ts";

const MOST_SERIES = 200;

export default function register(server: McpServer, { env }: ModuleContext): void {
	server.registerTool(
		"metrics_query",
		{
			description: "Series of the host's metrics page whose name begins so, and that have these labels",
			inputSchema: z.object({
				name: z.string().min(1).describe("Beginning of the metric's name, such as mcp_tool_calls"),
				labels: z.record(z.string(), z.string()).default({}).describe("Labels and the values that they must have"),
			}),
			annotations: { readOnlyHint: true },
		},
		async ({ name, labels }, { mcpReq }) => {
			const headers = env["BULKHEAD_TOKEN"] ? { authorization: `Bearer ${env["BULKHEAD_TOKEN"]}` } : {};
			const url = `${env["BULKHEAD_URL"] ?? "http://127.0.0.1:8000"}/metrics`;
			const response = await fetch(url, { headers, signal: mcpReq.signal });
			if (!response.ok) throw new Error(`the host answered ${response.status} to a scrape`);
			const wanted = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
			const series = (await response.text())
				.split("\n")
				.filter((line) => line.startsWith(name) && wanted.every((pair) => line.includes(pair)));
			const more = series.length > MOST_SERIES ? `\n… and ${series.length - MOST_SERIES} more` : "";
			const text = series.slice(0, MOST_SERIES).join("\n") || "no series of that name has these labels";
			return { content: [{ type: "text", text: text + more }] };
		},
	);
}
