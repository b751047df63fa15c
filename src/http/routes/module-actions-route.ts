import type { Host } from "../../host/host.ts";
import { sendProblem } from "../front/problem.ts";
import { JSON_ANSWER, PROBLEM, type Route } from "../front/route.ts";
import { moduleIdOf, type ModuleView, seenModule, sendUnknownModule } from "./modules-route.ts";

/** `POST /api/modules/:kind/:name/(restart|enable|disable)`: what an operator does to one module. */
export function moduleActionRoutes(host: Pick<Host, "module" | "steer">, view: ModuleView): readonly Route[] {
	return ACTIONS.map(([action, summary]) => ({
		path: `/api/modules/:kind/:name/${action}`,
		scope: "admin",
		operations: {
			post: {
				summary,
				handlers: [
					(request, response) => {
						const id = moduleIdOf(request.params);
						const status = seenModule(host, request, id);
						if (status === undefined) return sendUnknownModule(response, id);
						const refusal = host.steer(id, action);
						if (refusal !== undefined) return sendProblem(response, 409, "NOT_POSSIBLE", "Not possible now", refusal);
						response.json(view(host.module(id) ?? status));
					},
				],
				answers: { 200: { description: "The module, as it is now", type: JSON_ANSWER }, 404: PROBLEM, 409: PROBLEM },
			},
		},
	}));
}

const ACTIONS = [
	["restart", "Starts a module anew, beside the version that serves until the new one does"],
	["enable", "Starts a module that was disabled here"],
	["disable", "Stops a module, until it is enabled or the host starts again"],
] as const;
