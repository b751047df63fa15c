/** The same tools in the process of the HTTP server, as the SDK's documentation shows it. Prints its URL. */
import type { AddressInfo } from "node:net";
import process from "node:process";
import { createMcpExpressApp } from "@modelcontextprotocol/express";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { burn } from "./burn.ts";
import register from "./tool.ts";

const handler = createMcpHandler(() => {
	const server = new McpServer({ name: "in-process", version: "1" });
	register(server);
	burn(server, "burn_1");
	burn(server, "burn_2");
	return server;
});
const serve = toNodeHandler(handler);
const app = createMcpExpressApp();
app.all("/mcp", (request, response) => serve(request, response, request.body));
const listener = app.listen(0, "127.0.0.1", () => {
	process.stdout.write(`http://127.0.0.1:${(listener.address() as AddressInfo).port}/mcp\n`);
});
