/** The tool over standard input and output, for a gateway that bridges that to HTTP. */
import { McpServer } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import register from "./tool.ts";

serveStdio(() => {
	const server = new McpServer({ name: "stdio", version: "1" });
	register(server);
	return server;
});
