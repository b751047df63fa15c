import type { RequestListener } from "node:http";
import express from "express";
import type { HostConfig } from "../config/config.ts";
import type { Host } from "../host/host.ts";
import type { Logger } from "../logging/logger.ts";
import type { Gateway } from "../mcp/calls/gateway.ts";
import type { McpEndpoint } from "../mcp/endpoint.ts";
import { createExecuteRoute } from "./routes/execute-route.ts";
import { createAdmission } from "./front/admission.ts";
import { createHealthRoutes } from "./routes/health-routes.ts";
import { createIndexRoute } from "./routes/index-route.ts";
import { createMcpRoute } from "./routes/mcp-route.ts";
import { createMcpShortcut } from "./front/mcp-fast-path.ts";
import type { Collector } from "../metrics/collector.ts";
import type { MetricsAggregate } from "../metrics/aggregate.ts";
import { createMetricsRoutes } from "./routes/metrics-route.ts";
import { createModulesRoutes, type ModuleDetails } from "./routes/modules-route.ts";
import { createReloadRoute, type Reload } from "./routes/reload-route.ts";
import { createErrorHandler, createMcpErrorHandler, notFound } from "./front/problem.ts";
import { createRequestMetrics, type RequestObserver } from "./front/request-metrics.ts";

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
	/** Whether a stop signal has come: requests are still served for a while. */
	readonly isStopping: () => boolean;
	readonly reload: Reload;
}

/** The largest request body, in bytes, that is read. */
const MAX_BODY_BYTES = 4 << 20;

/** The HTTP face of the host: one file a route, nothing here but their order. */
export function createApp(options: AppOptions): RequestListener {
	const { config, host, log, mcp } = options;
	const observer = options.observeRequest;
	const admit = createAdmission({ config, host: config.host, observer, log });
	const app = express();
	app.disable("x-powered-by");
	app.disable("etag"); // each route that has a version of its content sets its own
	app.use(createRequestMetrics(observer));
	const json = express.json({ limit: MAX_BODY_BYTES, strict: false });

	app.use(createIndexRoute(options));
	app.use(createHealthRoutes(options));
	app.use(
		createMetricsRoutes({
			aggregate: options.metrics,
			collector: options.collector,
			enabled: config.metricsEndpointEnabled,
		}),
	);
	app.use(createModulesRoutes(host, options.details));
	app.use(createReloadRoute(options.reload));
	app.use(createMcpRoute(mcp, json));
	app.use(createExecuteRoute(options.gateway, json));
	app.use(notFound);
	app.use(createErrorHandler(log));

	const shortcut = createMcpShortcut({ mcp, observer, onError: createMcpErrorHandler(log) });
	return (request, response) => {
		if (admit(request, response) && !shortcut(request, response)) app(request, response);
	};
}
