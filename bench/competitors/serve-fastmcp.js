/** The tool of bench/tools-call/tool.ts under fastmcp. Prints its URL. */
import { createServer } from "node:net";
import process from "node:process";
import { FastMCP } from "fastmcp";
import { z } from "zod";

const server = new FastMCP({ name: "fastmcp", version: "1.0.0" });
server.addTool({
	name: "add",
	description: "Add two numbers",
	parameters: z.object({ a: z.number(), b: z.number() }),
	execute: async ({ a, b }) => String(a + b),
});
const port = await freePort();
await server.start({
	transportType: "httpStream",
	httpStream: { port, host: "127.0.0.1", endpoint: "/mcp", stateless: true, enableJsonResponse: true },
});
process.stdout.write(`http://127.0.0.1:${port}/mcp\n`);

function freePort() {
	return new Promise((resolve) => {
		const probe = createServer().listen(0, "127.0.0.1", () => {
			const address = /** @type {import("node:net").AddressInfo} */ (probe.address());
			probe.close(() => resolve(address.port));
		});
	});
}
