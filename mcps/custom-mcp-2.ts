// A tool that takes its time: it reports progress to clients that ask for it and stops when the client cancels.
// It also counts how its calls ended; the counter is an ordinary prom-client metric and appears on /metrics.

import { setTimeout as delay } from "node:timers/promises";
import type { McpServer } from "@modelcontextprotocol/server";
import { Counter } from "prom-client";
import * as z from "zod";

const countdowns = new Counter({
	name: "countdowns_total",
	help: "Countdowns by how they ended",
	labelNames: ["outcome"],
});
// A series that is there from the start shows its first increment in rate().
for (const outcome of ["finished", "cancelled"]) countdowns.inc({ outcome }, 0);

export default function register(server: McpServer): void {
	server.registerTool(
		"countdown",
		{
			description: "Count down to zero, reporting progress at each step",
			inputSchema: z.object({
				steps: z.int().min(1).max(1000).describe("How many steps to count"),
				stepMs: z.int().min(0).max(10_000).default(100).describe("Milliseconds between two steps"),
			}),
			annotations: { readOnlyHint: true },
		},
		async ({ steps, stepMs }, { mcpReq }) => {
			const progressToken = mcpReq._meta?.progressToken;
			try {
				for (let step = 1; step <= steps; step++) {
					await delay(stepMs, undefined, { signal: mcpReq.signal });
					if (progressToken !== undefined) {
						await mcpReq.notify({
							method: "notifications/progress",
							params: { progressToken, progress: step, total: steps, message: `${steps - step} to go` },
						});
					}
				}
			} catch (error) {
				if (mcpReq.signal.aborted) countdowns.inc({ outcome: "cancelled" });
				throw error;
			}
			countdowns.inc({ outcome: "finished" });
			return { content: [{ type: "text", text: `Counted ${steps} steps down to zero` }] };
		},
	);
}
