import { Router } from "express";
import type { Host } from "../../host/host.ts";
import { isServing } from "../../host/runner/lifecycle.ts";
import { methodNotAllowed } from "../front/problem.ts";

export interface HealthRoutesOptions {
	readonly host: Pick<Host, "ready" | "modules">;
	readonly startedAt: number;
	readonly isStopping: () => boolean;
}

/**
 * `/livez` says that the process answers and depends on no module; `/readyz` that every module has started once or has
 * failed to, and that the host is not about to stop; `/health` sums up.
 */
export function createHealthRoutes({ host, startedAt, isStopping }: HealthRoutesOptions): Router {
	const router = Router();
	router
		.route("/livez")
		.get((_request, response) => void response.json({ status: "ok" }))
		.all(methodNotAllowed("GET"));
	router
		.route("/readyz")
		.get((_request, response) => {
			const status = isStopping() ? "stopping" : host.ready() ? "ok" : "starting";
			response.status(status === "ok" ? 200 : 503).json({ status });
		})
		.all(methodNotAllowed("GET"));
	router
		.route("/health")
		.get((_request, response) => {
			const modules = host.modules();
			// One that its operator has disabled does what it should.
			const failing = modules
				.filter(({ state, policy }) => state !== "running" && state !== "disabled" && policy.enabled)
				.map(({ id, state }) => ({ id, state }));
			response.json({
				status: failing.length === 0 ? "ok" : "degraded",
				ready: host.ready() && !isStopping(),
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
