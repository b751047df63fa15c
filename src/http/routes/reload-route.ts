import { sendProblem } from "../front/problem.ts";
import { JSON_ANSWER, PROBLEM, type Route } from "../front/route.ts";

/** Reads again what may change while the host runs. */
export type Reload = () => Promise<ReloadReport>;

export interface ReloadReport {
	/** What was read again, or opened again, and is in force. */
	readonly reloaded: readonly string[];
	/** What was not, and why: as it was before, it stays in force. */
	readonly problems: readonly { readonly what: string; readonly message: string }[];
}

/** `POST /-/reload`: as SIGHUP, with an answer. */
export function reloadRoute(reload: Reload): Route {
	return {
		path: "/-/reload",
		scope: "admin",
		operations: {
			post: {
				summary: "Reads plugins.yaml again and opens log files again, as SIGHUP does",
				handlers: [
					async (_request, response) => {
						const report = await reload();
						if (report.problems.length === 0) return void response.json({ status: "ok", reloaded: report.reloaded });
						const what = report.problems.map((problem) => problem.what).join(", ");
						const detail = `${what}: not taken over; correct it and reload again. What was in force before stays so`;
						sendProblem(response, 422, "RELOAD_FAILED", "Not everything was reloaded", detail, { ...report });
					},
				],
				answers: { 200: { description: "What was reloaded", type: JSON_ANSWER }, 422: PROBLEM },
			},
		},
	};
}
