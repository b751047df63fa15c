import { Router } from "express";
import type { Host } from "../../host/host.ts";
import { isServing } from "../../host/runner/lifecycle.ts";
import { methodNotAllowed } from "../front/problem.ts";

/**
 * `/livez` says that the process answers and depends on no module; `/readyz` that every module has started once or has
 * failed to; `/health` sums up.
 */
export function createHealthRoutes(host: Host, startedAt: number): Router {
	const router = Router();
	router
		.route("/livez")
		.get((_request, response) => void response.json({ status: "ok" }))
		.all(methodNotAllowed("GET"));
	router
		.route("/readyz")
		.get((_request, response) => {
			const ready = host.ready();
			response.status(ready ? 200 : 503).json({ status: ready ? "ok" : "starting" });
		})
		.all(methodNotAllowed("GET"));
	router
		.route("/health")
		.get((_request, response) => {
			const modules = host.modules();
			const failing = modules.filter((module) => module.state !== "running").map(({ id, state }) => ({ id, state }));
			response.json({
				status: failing.length === 0 ? "ok" : "degraded",
				ready: host.ready(),
				uptime_seconds: (Date.now() - startedAt) / 1000,
				modules: {
					total: modules.length,
					serving: modules.filter((module) => isServing(module.state)).length,
					failing,
				},
			});
		})
		.all(methodNotAllowed("GET"));
	return router;
}
