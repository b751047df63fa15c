import type { IncomingMessage, ServerResponse } from "node:http";
import type { HostConfig } from "../../config/config.ts";
import type { Logger } from "../../logging/logger.ts";
import { createToldOnce } from "../../metrics/drops/log-once.ts";
import { allowOrigin, isPreflight, sendPreflight } from "./cors.ts";
import { createHostCheck } from "./host-check.ts";
import { createOriginCheck } from "./origin-check.ts";
import { type Refusal, sendRefusal } from "./problem.ts";
import { type RequestObserver, watchResponse } from "./request-metrics.ts";

export interface AdmissionOptions {
	readonly config: Pick<HostConfig, "allowedHosts" | "allowedOrigins" | "publicUrl">;
	/** What the listener listens on. */
	readonly host: string;
	readonly observer: RequestObserver;
	readonly log: Logger;
}

/**
 * Where every request comes in, on its way to the fast path and to the app alike: checks that hold whatever the route have
 * their place here, and nowhere else.
 *
 * @returns whether the request may go on; if not, it has been answered
 */
export type Admission = (request: IncomingMessage, response: ServerResponse) => boolean;

export function createAdmission({ config, host, observer, log }: AdmissionOptions): Admission {
	const hostProblem = createHostCheck({ ...config, host, onRefused: sayOnce(describeHost) });
	const mayAsk = createOriginCheck(config);
	const onOriginRefused = sayOnce(describeOrigin);

	function originProblem(origin: string): Refusal {
		onOriginRefused(origin);
		const detail = `pages of ${origin.slice(0, MAX_ECHO)} may not use this host (ALLOWED_ORIGINS lists those that may)`;
		return { status: 403, code: "ORIGIN_NOT_ALLOWED", title: "Forbidden", detail };
	}

	/** Each name once, and not without end: clients choose them. */
	function sayOnce(describe: (name: string) => string): (name: string) => void {
		const told = createToldOnce(MAX_NAMES_LOGGED);
		return (name) => {
			const which = told.tell(name.slice(0, MAX_ECHO));
			if (which === "new") log.warn(describe(name.slice(0, MAX_ECHO)));
			if (which === "more") log.warn(`${describe(name.slice(0, MAX_ECHO))}; further ones are not logged`);
		};
	}

	function answer(request: IncomingMessage, response: ServerResponse, send: () => void): false {
		watchResponse(observer, request, response, () => UNROUTED);
		send();
		return false;
	}

	return (request, response) => {
		const refusal = hostProblem(request);
		if (refusal !== undefined && !isProbe(request)) {
			return answer(request, response, () => sendRefusal(request, response, refusal));
		}
		const { origin, host: authority } = request.headers;
		if (origin === undefined || origin === "") {
			// A cache must not give a page what it has kept for somebody else; it keeps no answer to a POST.
			if (request.method !== "POST") response.setHeader("Vary", "Origin");
			return true;
		}
		if (!mayAsk(origin, authority)) {
			response.setHeader("Vary", "Origin");
			return answer(request, response, () => sendRefusal(request, response, originProblem(origin)));
		}
		allowOrigin(response, origin);
		if (!isPreflight(request)) return true;
		return answer(request, response, () => sendPreflight(request, response));
	};
}

const MAX_NAMES_LOGGED = 100;
const MAX_ECHO = 200;
/** The label of what reaches no route. */
const UNROUTED = "unmatched";

/** A kubelet and a load balancer ask by address or by whatever name; what they are told, anybody may know. */
function isProbe({ url = "" }: IncomingMessage): boolean {
	return /^\/(?:livez|readyz|health)\/?(?:\?|$)/i.test(url);
}

function describeHost(name: string): string {
	return `requests to "${name}" are refused; if that is a name of this host, add it to ALLOWED_HOSTS`;
}

function describeOrigin(origin: string): string {
	return `requests of web pages of "${origin}" are refused; if they may use this host, add it to ALLOWED_ORIGINS`;
}
