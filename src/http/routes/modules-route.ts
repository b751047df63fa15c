import type { IncomingMessage, ServerResponse } from "node:http";
import { principalOf } from "../../auth/identified-request.ts";
import { SEES_ALL } from "../../auth/principal.ts";
import type { Host, ModuleStatus } from "../../host/host.ts";
import { RESTART_ADVICE } from "../../host/runner/restart-advice.ts";
import { sendProblem } from "../front/problem.ts";
import { apiBody } from "../front/api-body.ts";
import { JSON_ANSWER, PROBLEM, type Route } from "../front/route.ts";

/** What the collectors and the catalog know of a module, beside the host's own status. */
export type ModuleDetails = (id: string) => Readonly<Record<string, unknown>>;

/** A module as the API shows it. */
export type ModuleView = (status: ModuleStatus) => Readonly<Record<string, unknown>>;

/** `/api/modules`: what runs, what does not, and why, with the file, the line and the next attempt. */
export function modulesRoutes(host: Pick<Host, "modules" | "module" | "refused">, view: ModuleView): readonly Route[] {
	return [
		{
			path: "/api/modules",
			scope: "admin",
			operations: {
				get: {
					summary: "Every module, and the files that are none",
					handlers: [
						(request, response) => {
							const { sees } = principalOf(request) ?? { sees: SEES_ALL };
							const modules = host.modules().filter(({ id }) => sees.module(id));
							response.json({ modules: modules.map(view), ignored: sees.all ? host.refused() : [] });
						},
					],
					answers: { 200: { description: "States, restarts and why, errors with their place", type: JSON_ANSWER } },
				},
			},
		},
		{
			path: MODULE_PATH,
			scope: "admin",
			operations: {
				get: {
					summary: "One module",
					handlers: [
						(request, response) => {
							const id = moduleIdOf(request.params);
							const status = seenModule(host, request, id);
							if (status === undefined) return sendUnknownModule(response, id);
							response.json(view(status));
						},
					],
					answers: { 200: { description: "The module", type: JSON_ANSWER }, 404: PROBLEM },
				},
			},
		},
	];
}

const MODULE_PATH = "/api/modules/:kind/:name";

/** The module, if there is one that who asks may see. */
export function seenModule(host: Pick<Host, "module">, request: IncomingMessage, id: string): ModuleStatus | undefined {
	return principalOf(request)?.sees.module(id) === false ? undefined : host.module(id);
}

export function moduleIdOf({ kind, name }: Readonly<Record<string, string>>): string {
	return `${kind}/${name}`;
}

export function sendUnknownModule(response: ServerResponse, id: string): void {
	const detail = `there is no module ${id.slice(0, MAX_ECHO)}; GET /api/modules lists them`;
	sendProblem(response, 404, "MODULE_NOT_FOUND", "Unknown module", detail);
}

const MAX_ECHO = 200;

export function moduleView(status: ModuleStatus, details: ModuleDetails): Record<string, unknown> {
	const { lastRestart, loadError } = status;
	return apiBody({
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
		// Names alone: a policy may hold values.
		policy: { ...status.policy, env: Object.keys(status.policy.env) },
		...details(status.id),
	});
}

function isoTime(at: number | undefined): string | null {
	return at === undefined ? null : new Date(at).toISOString();
}
