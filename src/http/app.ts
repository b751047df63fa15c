import { isUtf8 } from "node:buffer";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import express, { type RequestHandler } from "express";
import type { HostConfig } from "../config/config.ts";
import type { Host } from "../host/host.ts";
import { traceIdOf } from "../mcp/calls/trace-context.ts";
import type { Tracer } from "../telemetry/tracer.ts";
import { traceRequest } from "./front/request-trace.ts";
import { requestIdOf, withRequestIds } from "../logging/request-ids.ts";
import type { Logger } from "../logging/logger.ts";
import type { ModuleLog } from "../logging/module-log.ts";
import type { Gateway } from "../mcp/calls/gateway.ts";
import type { Catalog } from "../mcp/catalog/catalog.ts";
import type { McpEndpoint } from "../mcp/endpoint.ts";
import type { MetricsAggregate } from "../metrics/aggregate.ts";
import type { Collector } from "../metrics/collector.ts";
import type { Access } from "./front/access.ts";
import { createAdmission } from "./front/admission.ts";
import { createMcpShortcut } from "./front/mcp-fast-path.ts";
import { createErrorHandler, createMcpErrorHandler, notFound } from "./front/problem.ts";
import { createRequestMetrics, type RequestObserver } from "./front/request-metrics.ts";
import { type Route, routerOf } from "./front/route.ts";
import { createLiveFeed } from "./page/live-feed.ts";
import { type PageSources, readEntries } from "./page/page-entries.ts";
import { overviewPage, pageRoutes } from "./page/page-routes.ts";
import { executeRoute } from "./routes/execute-route.ts";
import { healthRoutes } from "./routes/health-routes.ts";
import { indexRoute } from "./routes/index-route.ts";
import { mcpRoute } from "./routes/mcp-route.ts";
import { metricsRoutes } from "./routes/metrics-route.ts";
import { type ModuleDetails, modulesRoutes, moduleView, type ModuleView } from "./routes/modules-route.ts";
import { moduleActionRoutes } from "./routes/module-actions-route.ts";
import { moduleLogRoute } from "./routes/module-log-route.ts";
import { oauthRoutes } from "./routes/oauth-route.ts";
import { offersRoutes } from "./routes/offers-routes.ts";
import { openApiRoute } from "./routes/openapi-route.ts";
import { type Reload, reloadRoute } from "./routes/reload-route.ts";

export interface AppOptions {
	readonly config: HostConfig;
	readonly serverInfo: { readonly name: string; readonly version: string };
	readonly host: Host;
	readonly gateway: Gateway;
	readonly catalog: Catalog;
	readonly mcp: McpEndpoint;
	readonly metrics: MetricsAggregate;
	readonly collector: Collector;
	readonly details: ModuleDetails;
	readonly observeRequest: RequestObserver;
	/** Undefined where nothing is traced. */
	readonly tracer?: Tracer | undefined;
	readonly log: Logger;
	readonly startedAt: number;
	/** Aborts when a stop signal comes: requests are still served for a while. */
	readonly stopping: AbortSignal;
	readonly moduleLog: ModuleLog;
	readonly reload: Reload;
	readonly access: Access;
	/** On every answer; the operator's. */
	readonly responseHeaders: () => Readonly<Record<string, string>>;
	/** Whether a request is told of modules where everybody may ask. */
	readonly showsModules: (request: IncomingMessage) => boolean;
	/** What the pages show beside what the API does. */
	readonly calls: PageSources["calls"];
	readonly lives: PageSources["lives"];
}

/** The largest request body, in bytes, that is read. */
const MAX_BODY_BYTES = 4 << 20;

/** As on the fast path: a text with letters replaced would be another than the client has sent. */
function requireUtf8(_request: unknown, _response: unknown, body: Buffer, encoding: string): void {
	if (encoding === "utf-8" && !isUtf8(body))
		throw Object.assign(new Error("no UTF-8"), { status: 400, type: "entity.parse.failed" });
}

/** The HTTP face of the host: all routes, and the fast path for tool calls. */
export function createApp(options: AppOptions): RequestListener {
	const { config, host, log, mcp, observeRequest: observer } = options;
	const json = express.json({ limit: MAX_BODY_BYTES, strict: false, verify: requireUtf8 });
	const view: ModuleView = (status) => moduleView(status, options.details);
	const feed = createLiveFeed({ read: (topic) => readEntries(topic, options), stopping: options.stopping });
	const routes = [
		indexRoute({ ...options, page: overviewPage(options, options.showsModules) }),
		...pageRoutes({ sources: options, feed, showsModules: options.showsModules }),
		...healthRoutes(options),
		...metricsRoutesOf(options),
		...modulesRoutes(host, view),
		...moduleActionRoutes(host, view),
		moduleLogRoute(options),
		...offersRoutes(options.catalog),
		reloadRoute(options.reload),
		mcpRoute(mcp, json),
		executeRoute(options.gateway, json),
		...oauthRoutesOf(config),
	];
	const document = openApiRoute(routes, { version: options.serverInfo.version, publicUrl: config.publicUrl });
	const shortcut = createMcpShortcut({ mcp, observer, onError: createMcpErrorHandler(log) });
	return serve(options, config.host, [...routes, document], shortcut);
}

/** The face of `METRICS_PORT`: what a scraper needs, and nothing else. */
export function createMetricsApp(options: AppOptions): RequestListener {
	const { config } = options;
	return serve(options, config.metricsHost ?? config.host, [
		...healthRoutes(options),
		...metricsRoutesOf(options),
		...oauthRoutesOf(config),
	]);
}

function metricsRoutesOf({ config, host, metrics, collector }: AppOptions): readonly Route[] {
	return metricsRoutes({
		aggregate: metrics,
		collector,
		disabled: metricsDisabled(config),
		publicUrl: config.publicUrl,
		hasModule: (id) => host.module(id) !== undefined,
	});
}

function oauthRoutesOf({ oauthIssuer, publicUrl }: HostConfig): readonly Route[] {
	return oauthIssuer === undefined ? [] : oauthRoutes({ issuer: oauthIssuer, publicUrl });
}

function metricsDisabled(config: HostConfig): string | undefined {
	if (!config.metricsEndpointEnabled) return "the metrics endpoint is turned off (METRICS_ENDPOINT_ENABLED=false)";
	return config.prometheusRegistryEnabled ? undefined : "metrics are turned off (PROMETHEUS_REGISTRY_ENABLED=false)";
}

/** @param shortcut takes the requests that need no router, once they are let in */
function serve(
	{ config, observeRequest: observer, log, access, responseHeaders, tracer }: AppOptions,
	listensOn: string,
	routes: readonly Route[],
	shortcut: (request: IncomingMessage, response: ServerResponse) => boolean = () => false,
): RequestListener {
	const admission = createAdmission({ config, host: listensOn, observer, log, routes, access });
	const app = express();
	app.disable("x-powered-by");
	app.disable("etag"); // each route that has a version of its content sets its own
	app.use(createRequestMetrics(observer));
	app.use(routerOf(routes, admission.isChecked));
	app.use(notFound as RequestHandler);
	app.use(createErrorHandler(log));
	return (request, response) => {
		for (const [name, value] of Object.entries(responseHeaders())) response.setHeader(name, value);
		const traceId = tracer && traceIdOf(traceRequest(tracer, request, response));
		const ids = { request_id: requestIdOf(request.headers["x-request-id"]), ...(traceId && { trace_id: traceId }) };
		withRequestIds(ids, () => {
			admission.admit(request, response, () => {
				if (!shortcut(request, response)) app(request, response);
			});
		});
	};
}
