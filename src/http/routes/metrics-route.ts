import type { Request, Response } from "express";
import type { Collector } from "../../metrics/collector.ts";
import type { MetricsAggregate } from "../../metrics/aggregate.ts";
import type { MetricsPage } from "../../metrics/page/page-composer.ts";
import { isNotModified } from "../../metrics/page/negotiation.ts";
import { principalOf } from "../../auth/identified-request.ts";
import { SEES_ALL } from "../../auth/principal.ts";
import { sendProblem } from "../front/problem.ts";
import { type Parameter, PROBLEM, type Route } from "../front/route.ts";
import { readScrapeDeadline } from "./scrape-deadline.ts";
import { scrapeTargets } from "./scrape-targets.ts";

export interface MetricsRoutesOptions {
	readonly aggregate: Pick<MetricsAggregate, "page" | "moduleIds">;
	readonly collector: Pick<Collector, "collectForScrape">;
	/** Why there are no metrics: every route answers 404 with it. */
	readonly disabled: string | undefined;
	/** Where clients find the host, if the operator has said so. */
	readonly publicUrl: string | undefined;
	/** Whether there is such a module, collected or not. */
	readonly hasModule: (id: string) => boolean;
}

/**
 * `GET /metrics` and its alias: the host's own families and every module's, from memory; `?module=NAME`, which may be
 * repeated, asks for these modules alone. `GET /metrics/:name`: one metric module. `GET /sd`: where these are, as
 * Prometheus discovers targets over HTTP.
 */
export function metricsRoutes(options: MetricsRoutesOptions): readonly Route[] {
	const { aggregate, collector, disabled, publicUrl, hasModule } = options;
	return [
		...PAGE_ROUTES.map((path) => ({
			path,
			scope: "metrics" as const,
			operations: {
				get: {
					summary: "All metrics: the host's own and every module's, or those of the modules that are named",
					query: [MODULE_PARAMETER],
					handlers: [whenEnabled((request, response) => sendPage(request, response, modulesAskedFor(request)))],
					answers: PAGE_ANSWERS,
				},
			},
		})),
		{
			path: "/metrics/:name",
			scope: "metrics",
			operations: {
				get: {
					summary: "The metrics of one metric module",
					handlers: [
						whenEnabled((request, response) =>
							sendPage(request, response, [metricModule(String(request.params["name"]))]),
						),
					],
					answers: PAGE_ANSWERS,
				},
			},
		},
		{
			path: "/sd",
			scope: "metrics",
			operations: {
				get: {
					summary: "Each metric module as a target, for Prometheus' http_sd_configs",
					handlers: [
						whenEnabled((request, response) => {
							const url = publicUrl ?? `${"encrypted" in request.socket ? "https" : "http"}://${addressOf(request)}`;
							const { sees } = principalOf(request) ?? { sees: SEES_ALL };
							response.json(scrapeTargets(aggregate.moduleIds().filter(sees.module), url));
						}),
					],
					answers: { 200: { description: "Target groups", type: "application/json" }, 404: PROBLEM },
				},
			},
		},
	];

	function whenEnabled(
		handle: (request: Request, response: Response) => unknown,
	): (request: Request, response: Response) => unknown {
		if (disabled === undefined) return handle;
		return (_request, response) => sendProblem(response, 404, "METRICS_DISABLED", "Not found", disabled);
	}

	async function sendPage(request: Request, response: Response, asked?: readonly string[]): Promise<void> {
		const { sees } = principalOf(request) ?? { sees: SEES_ALL };
		// Who may not see all modules gets the page of those that it may, without the families of the host.
		const moduleIds = asked ?? (sees.all ? undefined : aggregate.moduleIds().filter(sees.module));
		const known = new Set(aggregate.moduleIds());
		const unknown = (moduleIds ?? []).filter((id) => !sees.module(id) || (!known.has(id) && !hasModule(id)));
		if (unknown.length > 0) return sendUnknown(response, unknown);
		await collector.collectForScrape(readScrapeDeadline(request.get("x-prometheus-scrape-timeout-seconds")), moduleIds);
		const { accept } = request.headers;
		// Of one without metrics, or not collected yet, there is nothing to show, and nothing wrong.
		const shown = moduleIds?.filter((id) => aggregate.moduleIds().includes(id));
		const page = await aggregate.page({ accept, acceptEncoding: request.get("accept-encoding"), moduleIds: shown });
		if (page === undefined) return sendUnknown(response, shown ?? []); // it went just now
		if (isNotModified(request.headers["if-none-match"], page.etag)) {
			response.writeHead(304, { ETag: page.etag, Vary: varyOf(response, page) });
			response.end();
			return;
		}
		send(request, response, page);
	}
}

function sendUnknown(response: Response, ids: readonly string[]): void {
	const names = ids.slice(0, MAX_NAMED).map((id) => id.slice(0, MAX_ECHO));
	const detail = `there is no module ${names.join(", ")}; GET /api/modules lists the modules`;
	sendProblem(response, 404, "MODULE_NOT_FOUND", "Unknown module", detail);
}

/** One route each: a request is counted under the pattern of its own. */
const PAGE_ROUTES = ["/metrics", "/api/v1/metrics/prometheus"];
const PAGE_ANSWERS = {
	200: { description: "The exposition; OpenMetrics where that is preferred", type: "text/plain" },
	304: { description: "Nothing has changed" },
	404: PROBLEM,
};
const MODULE_PARAMETER: Parameter = {
	name: "module",
	description: "An id (`mcps/disk`), or the name of a metric module; may be repeated",
	schema: { type: "array", items: { type: "string" } },
};
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
