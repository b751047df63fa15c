// A tool that keeps its processor busy for a time, registered under the name that the file has.

import type { McpServer } from "@modelcontextprotocol/server";

const BURN_MS = 50;

export function burn(server: McpServer, name: string): void {
	server.registerTool(name, { description: `Compute for ${BURN_MS} ms` }, () => {
		const until = performance.now() + BURN_MS;
		let rounds = 0;
		while (performance.now() < until) rounds += 1;
		return { content: [{ type: "text", text: String(rounds > 0) }] };
	});
}
