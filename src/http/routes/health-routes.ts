import type { IncomingMessage } from "node:http";
import type { Host } from "../../host/host.ts";
import { isServing } from "../../host/runner/module-state.ts";
import { JSON_ANSWER, OPEN, type Route } from "../front/route.ts";

export interface HealthRoutesOptions {
	readonly host: Pick<Host, "ready" | "modules">;
	readonly startedAt: number;
	readonly stopping: AbortSignal;
	/** Whether a request is told which modules fail; otherwise only how many do not serve. */
	readonly showsModules: (request: IncomingMessage) => boolean;
}

/**
 * `/livez` says that the process answers and depends on no module; `/readyz` that every module has started once or has
 * failed to, and that the host is not about to stop; `/health` sums up.
 */
export function healthRoutes({ host, startedAt, stopping, showsModules }: HealthRoutesOptions): readonly Route[] {
	function health(request: IncomingMessage): Record<string, unknown> {
		const modules = host.modules();
		// One that its operator has disabled does what it should.
		const failing = modules
			.filter(({ state, policy }) => state !== "running" && state !== "disabled" && policy.enabled)
			.map(({ id, state }) => ({ id, state }));
		return {
			status: failing.length === 0 ? "ok" : "degraded",
			ready: host.ready() && !stopping.aborted,
			uptime_seconds: (Date.now() - startedAt) / 1000,
			modules: {
				total: modules.length,
				serving: modules.filter((module) => isServing(module.state)).length,
				...(showsModules(request) && { failing }),
			},
		};
	}

	return [
		{
			path: "/livez",
			scope: OPEN,
			isProbe: true,
			operations: {
				get: {
					summary: "Whether the process answers",
					handlers: [(_request, response) => void response.json({ status: "ok" })],
					answers: { 200: { description: "It does", type: JSON_ANSWER } },
				},
			},
		},
		{
			path: "/readyz",
			scope: OPEN,
			isProbe: true,
			operations: {
				get: {
					summary: "Whether every enabled module has started once or has failed to, and the host is not stopping",
					handlers: [
						(_request, response) => {
							const status = stopping.aborted ? "stopping" : host.ready() ? "ok" : "starting";
							response.status(status === "ok" ? 200 : 503).json({ status });
						},
					],
					answers: {
						200: { description: "Ready", type: JSON_ANSWER },
						503: { description: "Starting, or stopping", type: JSON_ANSWER },
					},
				},
			},
		},
		{
			path: "/health",
			scope: OPEN,
			isProbe: true,
			operations: {
				get: {
					summary: "A summary for people and dashboards",
					handlers: [(request, response) => void response.json(health(request))],
					answers: { 200: { description: "How many modules serve, and which do not", type: JSON_ANSWER } },
				},
			},
		},
	];
}
