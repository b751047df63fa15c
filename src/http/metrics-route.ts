import { type Request, type Response, Router } from "express";
import type { MetricsAggregate } from "../metrics/metrics-aggregate.ts";
import { methodNotAllowed, sendProblem } from "./problem.ts";

/** `GET /metrics` and its alias: the host's own families and every module's, from memory. */
export function createMetricsRoutes(aggregate: Pick<MetricsAggregate, "page">, enabled: boolean): Router {
	const router = Router();
	router
		.route(["/metrics", "/api/v1/metrics/prometheus"])
		.get((request, response) => sendPage(request, response))
		.all(methodNotAllowed("GET"));
	router
		.route("/metrics/:name")
		.get((request, response) => sendPage(request, response, `metrics/${request.params.name}`))
		.all(methodNotAllowed("GET"));
	return router;

	async function sendPage(request: Request, response: Response, moduleId?: string): Promise<void> {
		if (!enabled)
			return sendProblem(
				response,
				404,
				"Not found",
				"the metrics endpoint is turned off (METRICS_ENDPOINT_ENABLED=false)",
			);
		const { accept, "accept-encoding": acceptEncoding } = request.headers;
		const page = await aggregate.page({ accept, acceptEncoding: String(acceptEncoding ?? ""), moduleId });
		if (page === undefined)
			return sendProblem(
				response,
				404,
				"Unknown module",
				"no metric module of that name has been collected; GET /api/modules lists the modules",
			);
		if (request.headers["if-none-match"] === page.etag) {
			response.writeHead(304, { etag: page.etag });
			response.end();
			return;
		}
		response.writeHead(200, page.headers);
		for (const part of page.body) response.write(part);
		response.end();
	}
}
