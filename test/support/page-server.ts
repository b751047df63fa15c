/** Serves pages of registries as the host does, without one. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import type { MetricsAggregate } from "../../src/metrics/aggregate.ts";
import { OPENMETRICS } from "./metrics-aggregate.ts";

/** What the path of a page begins with, since a Prometheus of this version always asks for OpenMetrics. */
export const SERVED_FORMATS = {
	text: undefined,
	"text-1.0.0": "text/plain; version=1.0.0",
	openmetrics: OPENMETRICS,
} as const satisfies Readonly<Record<string, string | undefined>>;
export type ServedFormat = keyof typeof SERVED_FORMATS;

/** Serves `/FORMAT/INDEX` until the test ends. @returns host and port */
export async function servePages(t: TestContext, aggregates: readonly MetricsAggregate[]): Promise<string> {
	const server = createServer((request, response) => {
		const [, format = "", index] = (request.url ?? "").split("/");
		const accept = SERVED_FORMATS[format as ServedFormat];
		const acceptEncoding = request.headers["accept-encoding"];
		void aggregates[Number(index)]?.page({ accept, acceptEncoding }).then((page) => {
			response.writeHead(200, page?.headers);
			for (const part of page?.body ?? []) response.write(part);
			response.end();
		});
	}).listen(0, "127.0.0.1");
	t.after(() => {
		server.close();
		server.closeAllConnections();
	});
	await once(server, "listening");
	return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
