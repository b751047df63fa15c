/** What no server of a page can be faster than: so many bytes that are always the same, from Node's HTTP server. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createServerProbe, KEEP_CONNECTIONS } from "./server-probe.ts";

const [length = 0] = process.argv.slice(2).map(Number);
const probe = createServerProbe();
const body = Buffer.alloc(length, "0123456789\n");
const server = createServer((request, response) => {
	probe.scraped(request, response);
	response.writeHead(200, { "Content-Length": length });
	response.end(body);
});
server.listen(0, "127.0.0.1", () => probe.ready((server.address() as AddressInfo).port));
server.keepAliveTimeout = KEEP_CONNECTIONS;
