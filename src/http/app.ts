import { hostHeaderValidation, originValidation } from "@modelcontextprotocol/express";
import express, { type Express } from "express";
import type { HostConfig } from "../config.ts";
import type { Host } from "../host/host.ts";
import type { Logger } from "../logger.ts";
import type { Gateway } from "../mcp/gateway.ts";
import type { McpEndpoint } from "../mcp/mcp-endpoint.ts";
import { createExecuteRoute } from "./execute-route.ts";
import { createHealthRoutes } from "./health-routes.ts";
import { createIndexRoute } from "./index-route.ts";
import { createMcpRoute } from "./mcp-route.ts";
import type { Collector } from "../metrics/collector.ts";
import type { MetricsAggregate } from "../metrics/metrics-aggregate.ts";
import { createMetricsRoutes } from "./metrics-route.ts";
import { createModulesRoutes, type ModuleDetails } from "./modules-route.ts";
import { createErrorHandler, notFound } from "./problem.ts";
import { createRequestMetrics, type RequestObserver } from "./request-metrics.ts";

export interface AppOptions {
	readonly config: HostConfig;
	readonly serverInfo: { readonly name: string; readonly version: string };
	readonly host: Host;
	readonly gateway: Gateway;
	readonly mcp: McpEndpoint;
	readonly metrics: MetricsAggregate;
	readonly collector: Collector;
	readonly details: ModuleDetails;
	readonly observeRequest: RequestObserver;
	readonly log: Logger;
	readonly startedAt: number;
}

/** The largest request body, in bytes, that is read. */
const MAX_BODY_BYTES = 4 << 20;

/** In `ALLOWED_HOSTS` and `ALLOWED_ORIGINS`. */
const ANY = "*";

/** The HTTP face of the host: one file a route, nothing here but their order. */
export function createApp(options: AppOptions): Express {
	const { config, host, log } = options;
	const app = express();
	app.disable("x-powered-by");
	app.disable("etag"); // each route that has a version of its content sets its own
	app.use(createRequestMetrics(options.observeRequest));
	if (!config.allowedHosts.includes(ANY)) app.use(hostHeaderValidation([...config.allowedHosts]));
	if (!config.allowedOrigins.includes(ANY)) app.use(originValidation([...config.allowedOrigins]));
	const json = express.json({ limit: MAX_BODY_BYTES, strict: false });

	app.use(createIndexRoute(options));
	app.use(createHealthRoutes(host, options.startedAt));
	app.use(
		createMetricsRoutes({
			aggregate: options.metrics,
			collector: options.collector,
			enabled: config.metricsEndpointEnabled,
		}),
	);
	app.use(createModulesRoutes(host, options.details));
	app.use(createMcpRoute(options.mcp, json));
	app.use(createExecuteRoute(options.gateway, json));
	app.use(notFound);
	app.use(createErrorHandler(log));
	return app;
}
