/** The baseline: every series in one registry of this process, `register.metrics()` behind Express. */
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import express from "express";
import { Registry } from "prom-client";
import { fillRegistry } from "./families.ts";
import { createServerProbe, KEEP_CONNECTIONS } from "./server-probe.ts";

const [series = 0, modules = 1] = process.argv.slice(2).map(Number);
const probe = createServerProbe();
const registry = new Registry();
for (let index = 0; index < modules; index++) fillRegistry(registry, `module_${index}`, series / modules);

const compress = promisify(gzip);
const app = express();
app.get("/metrics", async (request, response) => {
	probe.scraped(request, response);
	const page = await registry.metrics();
	response.set("Content-Type", registry.contentType);
	if (request.headers["accept-encoding"] !== "gzip") return response.end(page);
	return response.set("Content-Encoding", "gzip").end(await compress(page));
});
const server = app.listen(0, "127.0.0.1", () => probe.ready((server.address() as AddressInfo).port));
server.keepAliveTimeout = KEEP_CONNECTIONS;
