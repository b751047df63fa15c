import type { IncomingMessage, ServerResponse } from "node:http";
import type { HostConfig } from "../../config/config.ts";
import { messageOf } from "../../core/errors.ts";
import type { Logger } from "../../logging/logger.ts";
import { createToldOnce } from "../../metrics/drops/log-once.ts";
import type { Access } from "./access.ts";
import { allowOrigin, isPreflight, sendPreflight } from "./cors.ts";
import { createHostCheck } from "./host-check.ts";
import { createOriginCheck } from "./origin-check.ts";
import { type Refusal, sendRefusal } from "./problem.ts";
import { type RequestObserver, watchResponse } from "./request-metrics.ts";
import { type Route, routeFinder } from "./route.ts";

export interface AdmissionOptions {
	readonly config: Pick<HostConfig, "allowedHosts" | "allowedOrigins" | "publicUrl">;
	/** What the listener listens on. */
	readonly host: string;
	readonly observer: RequestObserver;
	readonly log: Logger;
	/** The routes that there are. */
	readonly routes: readonly Route[];
	readonly access: Access;
}

/**
 * Where every request comes in, on its way to the fast path and to the app alike: checks that hold whatever the route have
 * their place here, and nowhere else.
 */
export interface Admission {
	/** @param next called if the request may go on; if not, it has been answered */
	admit(request: IncomingMessage, response: ServerResponse, next: () => void): void;
	/** Whether it was let in as a request for this route. */
	isChecked(request: IncomingMessage, route: Route): boolean;
}

export function createAdmission({ config, host, observer, log, routes, access }: AdmissionOptions): Admission {
	const routeOf = routeFinder(routes);
	/** Requests that are on their way, by the route that they were let in for. */
	const checked = new WeakMap<IncomingMessage, Route>();
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

	function answer(request: IncomingMessage, response: ServerResponse, send: () => void, endpoint = UNROUTED): false {
		watchResponse(observer, request, response, () => endpoint);
		send();
		return false;
	}

	/** Whether it is asked in a way, and from a page, that may ask. */
	function isAddressedToUs(request: IncomingMessage, response: ServerResponse): boolean {
		const refusal = hostProblem(request);
		if (refusal !== undefined && routeOf(request.url ?? "")?.isProbe !== true) {
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
	}

	return {
		admit(request, response, next) {
			if (!isAddressedToUs(request, response)) return;
			const route = routeOf(request.url ?? "");
			if (route !== undefined) checked.set(request, route);
			const proceed = (refusal: Refusal | undefined): void => {
				if (refusal === undefined) return next();
				answer(request, response, () => sendRefusal(request, response, refusal), route?.path);
			};
			const found = access(request, response, route);
			if (!(found instanceof Promise)) return proceed(found);
			found.then(
				(refusal) => {
					if (!response.closed) proceed(refusal);
				},
				(error: unknown) => {
					log.error(`a request could not be checked: ${messageOf(error)}`, { error });
					if (!response.headersSent) proceed(FAILED);
				},
			);
		},
		isChecked: (request, route) => checked.get(request) === route,
	};
}

const FAILED: Refusal = {
	status: 500,
	code: "INTERNAL",
	title: "Internal error",
	detail: "the server failed to check who asks; its log says why",
};

const MAX_NAMES_LOGGED = 100;
const MAX_ECHO = 200;
/** The label of what reaches no route. */
const UNROUTED = "unmatched";

function describeHost(name: string): string {
	return `requests to "${name}" are refused; if that is a name of this host, add it to ALLOWED_HOSTS`;
}

function describeOrigin(origin: string): string {
	return `requests of web pages of "${origin}" are refused; if they may use this host, add it to ALLOWED_ORIGINS`;
}
