import { type Request, type Response, Router } from "express";
import type { Collector } from "../../metrics/collector.ts";
import type { MetricsAggregate } from "../../metrics/aggregate.ts";
import type { MetricsPage } from "../../metrics/page/page-composer.ts";
import { isNotModified } from "../../metrics/page/negotiation.ts";
import { methodNotAllowed, sendProblem } from "../front/problem.ts";
import { readScrapeDeadline } from "./scrape-deadline.ts";
import { scrapeTargets } from "./scrape-targets.ts";

export interface MetricsRoutesOptions {
	readonly aggregate: Pick<MetricsAggregate, "page" | "moduleIds">;
	readonly collector: Pick<Collector, "collectForScrape">;
	/** False: every route answers 404. */
	readonly enabled: boolean;
}

/**
 * `GET /metrics` and its alias: the host's own families and every module's, from memory; `?module=NAME`, which may be
 * repeated, asks for these modules alone. `GET /metrics/:name`: one metric module. `GET /sd`: where these are, as
 * Prometheus discovers targets over HTTP.
 */
export function createMetricsRoutes({ aggregate, collector, enabled }: MetricsRoutesOptions): Router {
	const router = Router();
	if (!enabled) {
		for (const route of ROUTES) {
			router.all(route, (_request, response) => {
				const why = "the metrics endpoint is turned off (METRICS_ENDPOINT_ENABLED=false)";
				sendProblem(response, 404, "METRICS_DISABLED", "Not found", why);
			});
		}
		return router;
	}
	for (const route of PAGE_ROUTES) {
		router
			.route(route)
			.get((request, response) => sendPage(request, response, modulesAskedFor(request)))
			.all(methodNotAllowed("GET", "HEAD"));
	}
	router
		.route(MODULE_ROUTE)
		.get((request, response) => sendPage(request, response, [metricModule(request.params.name)]))
		.all(methodNotAllowed("GET", "HEAD"));
	router
		.route(DISCOVERY_ROUTE)
		.get((request, response) => response.json(scrapeTargets(aggregate.moduleIds(), addressOf(request))))
		.all(methodNotAllowed("GET", "HEAD"));
	return router;

	async function sendPage(request: Request, response: Response, moduleIds?: readonly string[]): Promise<void> {
		await collector.collectForScrape(readScrapeDeadline(request.get("x-prometheus-scrape-timeout-seconds")), moduleIds);
		const { accept } = request.headers;
		const page = await aggregate.page({ accept, acceptEncoding: request.get("accept-encoding"), moduleIds });
		if (page === undefined) return sendUnknown(response, moduleIds);
		if (isNotModified(request.headers["if-none-match"], page.etag)) {
			response.writeHead(304, { ETag: page.etag, Vary: varyOf(response, page) });
			response.end();
			return;
		}
		send(request, response, page);
	}

	function sendUnknown(response: Response, moduleIds: readonly string[] = []): void {
		const known = new Set(aggregate.moduleIds());
		const unknown = moduleIds.filter((id) => !known.has(id)).map((id) => id.slice(0, MAX_ECHO));
		const detail = `no module ${unknown.slice(0, MAX_NAMED).join(", ")} has been collected; GET /api/modules lists the modules`;
		sendProblem(response, 404, "MODULE_NOT_FOUND", "Unknown module", detail);
	}
}

/** One route each: a request is counted under the pattern of its own. */
const PAGE_ROUTES = ["/metrics", "/api/v1/metrics/prometheus"];
const MODULE_ROUTE = "/metrics/:name";
const DISCOVERY_ROUTE = "/sd";
const ROUTES = [...PAGE_ROUTES, MODULE_ROUTE, DISCOVERY_ROUTE];
const MAX_ECHO = 80;
const MAX_NAMED = 5;

/** In one piece: a page of a hundred modules in as many writes would be as many packets. */
function send(request: Request, response: Response, page: MetricsPage): void {
	const { headers, body } = page;
	response.writeHead(200, { ...headers, Vary: varyOf(response, page) });
	response.cork();
	if (request.method !== "HEAD") for (const part of body) response.write(part);
	response.end();
	response.uncork();
}

/** What the page depends on, and what every answer does. */
function varyOf(response: Response, { headers }: MetricsPage): string {
	return [headers["Vary"], response.getHeader("vary")].filter((name) => name !== undefined).join(", ");
}

/** Undefined for all of them and the host. An id stands for itself, a bare name for the metric module of that name. */
function modulesAskedFor({ originalUrl }: Request): readonly string[] | undefined {
	const names = new URLSearchParams(originalUrl.split("?")[1]).getAll("module");
	return names.length === 0 ? undefined : names.map((name) => (name.includes("/") ? name : metricModule(name)));
}

function metricModule(name: string): string {
	return `metrics/${name}`;
}

/** Where the client found us, which may be through a proxy; HTTP/1.0 does not say. */
function addressOf(request: Request): string {
	const { localAddress = "", localPort = 0 } = request.socket;
	return request.get("host") ?? `${localAddress.includes(":") ? `[${localAddress}]` : localAddress}:${localPort}`;
}
