import { Router } from "express";
import type { Host, ModuleStatus } from "../../host/host.ts";
import { RESTART_ADVICE } from "../../host/runner/restart-advice.ts";
import { methodNotAllowed, sendProblem } from "../front/problem.ts";

/** What the collectors and the catalog know of a module, beside the host's own status. */
export type ModuleDetails = (id: string) => Readonly<Record<string, unknown>>;

/** `/api/modules`: what runs, what does not, and why, with the file, the line and the next attempt. */
export function createModulesRoutes(host: Host, details: ModuleDetails): Router {
	const router = Router();
	router
		.route("/api/modules")
		.get((_request, response) => {
			response.json({ modules: host.modules().map((status) => moduleView(status, details)), refused: host.refused() });
		})
		.all(methodNotAllowed("GET"));
	router
		.route("/api/modules/:kind/:name")
		.get((request, response) => {
			const id = `${request.params.kind}/${request.params.name}`;
			const status = host.module(id);
			if (status === undefined)
				return sendProblem(
					response,
					404,
					"MODULE_NOT_FOUND",
					"Unknown module",
					`there is no module ${id.slice(0, 200)}; GET /api/modules lists them`,
				);
			response.json(moduleView(status, details));
		})
		.all(methodNotAllowed("GET"));
	return router;
}

function moduleView(status: ModuleStatus, details: ModuleDetails): Record<string, unknown> {
	const { lastRestart, loadError } = status;
	return {
		id: status.id,
		file: status.file,
		state: status.state,
		generation: status.generation,
		version: status.hash ?? null,
		started_at: isoTime(status.startedAt),
		restarts: status.restarts,
		last_restart:
			lastRestart === undefined
				? null
				: {
						reason: lastRestart.reason,
						at: isoTime(lastRestart.at),
						problem: lastRestart.problem,
						advice: RESTART_ADVICE[lastRestart.reason],
					},
		next_attempt_at: isoTime(status.nextAttemptAt),
		load_error: loadError ?? null,
		pending_calls: status.pendingCalls,
		memory_bytes: status.usage?.memoryBytes ?? null,
		event_loop_utilization: status.usage?.eventLoopUtilization ?? null,
		isolation: status.isolation,
		policy: status.policy,
		...details(status.id),
	};
}

function isoTime(at: number | undefined): string | null {
	return at === undefined ? null : new Date(at).toISOString();
}
