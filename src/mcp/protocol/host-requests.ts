import type { ServerResponse } from "node:http";
import { isRecord } from "../../../workers/wire/json.ts";
import { FORWARDED_METHODS } from "../calls/call.ts";
import type { GatewayOptions } from "../calls/gateway.ts";
import { TASK_METHODS } from "../calls/task-owners.ts";

/** What MCP has beside the requests that modules answer. A method of another name is counted as `other`. */
const HOST_METHODS: ReadonlySet<string> = new Set([
	"initialize",
	"logging/setLevel",
	"ping",
	"prompts/list",
	"resources/list",
	"resources/subscribe",
	"resources/templates/list",
	"resources/unsubscribe",
	"server/discover",
	"subscriptions/listen",
	"tools/list",
]);
const MODULE_METHODS: ReadonlySet<string> = new Set([...FORWARDED_METHODS, ...TASK_METHODS]);
/** Its answer is a stream that lasts as long as its client listens: what is counted is that it was taken. */
const LISTEN = "subscriptions/listen";

/** Counts the requests of a body that the host answers itself, by the status of the HTTP response that they get. */
export function observeHostRequests(body: unknown, response: ServerResponse, observe: GatewayOptions["observe"]): void {
	for (const message of Array.isArray(body) ? body.slice(0, MOST_OBSERVED) : [body]) {
		if (!isRecord(message) || typeof message["method"] !== "string" || message["id"] === undefined) continue;
		const method = message["method"];
		if (MODULE_METHODS.has(method)) continue;
		const isKnown = HOST_METHODS.has(method);
		const ended = observe({ method: isKnown ? method : "other", name: undefined });
		if (method === LISTEN) ended({ status: "success", bytes: 0 });
		else {
			response.once("close", () => {
				const isGood = isKnown && response.statusCode < 400;
				ended(isGood ? { status: "success", bytes: 0 } : { status: "error", errorType: "protocol_error" });
			});
		}
	}
}

/** Of one batch; the rest of a longer one is refused. */
const MOST_OBSERVED = 100;
