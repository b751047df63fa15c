import type { IncomingMessage, ServerResponse } from "node:http";
import type { AccessObserver } from "../../auth/access-events.ts";
import type { AuditLog } from "../../auth/audit-log.ts";
import type { Authenticator, AuthOutcome } from "../../auth/authenticator.ts";
import { identify, principalOf } from "../../auth/identified-request.ts";
import { addRequestIds } from "../../logging/request-ids.ts";
import type { Principal } from "../../auth/principal.ts";
import { clientOfAddress, type RateLimit } from "../../auth/rate-limit.ts";
import type { Challenges } from "./challenge.ts";
import type { Refusal } from "./problem.ts";
import { OPEN, type Route } from "./route.ts";

export interface AccessOptions {
	/** Undefined where anybody may do anything. */
	readonly authenticator: Authenticator | undefined;
	readonly challenges: Challenges;
	/** Undefined where nobody is limited. */
	readonly rateLimit: RateLimit | undefined;
	readonly observer: AccessObserver;
	readonly audit: AuditLog | undefined;
}

/**
 * Decides who sends a request, whether there are too many of them, and whether it may be made.
 *
 * @returns what is wrong; undefined if it may go on, then who sends it is noted on it. At once where nothing has to be waited for
 */
export type Access = (
	request: IncomingMessage,
	response: ServerResponse,
	route: Route | undefined,
) => Refusal | undefined | Promise<Refusal | undefined>;

export function createAccess(options: AccessOptions): Access {
	const { authenticator, challenges, rateLimit, observer, audit } = options;

	/** Of a route that is open to all, only credentials that were sent are looked at. */
	function identityOf(
		request: IncomingMessage,
		route: Route | undefined,
	): ReturnType<Authenticator["identify"]> | undefined {
		if (authenticator === undefined) return undefined;
		const isOpen = route === undefined || route.scope === OPEN;
		return isOpen && request.headers.authorization === undefined ? undefined : authenticator.identify(request);
	}

	function note(request: IncomingMessage, outcome: AuthOutcome | undefined): void {
		if (outcome === undefined) return;
		if ("failure" in outcome) return observer.notAuthenticated(outcome.method, outcome.failure);
		observer.authenticated(outcome.principal.method);
		identify(request, outcome.principal);
		addRequestIds({ principal: outcome.principal.name });
	}

	function decide(
		request: IncomingMessage,
		response: ServerResponse,
		route: Route | undefined,
		outcome: AuthOutcome | undefined,
	): Refusal | undefined {
		if (authenticator === undefined || route === undefined || route.scope === OPEN) return undefined;
		const { scope } = route;
		if (outcome === undefined || "failure" in outcome) {
			const failure = outcome === undefined ? "missing" : outcome.failure;
			return challenges.unauthenticated(request, response, scope, failure);
		}
		if (!outcome.principal.scopes.includes(scope)) {
			observer.denied(scope, "insufficient_scope");
			return challenges.insufficient(request, response, scope);
		}
		observer.authorized(scope);
		return undefined;
	}

	async function limitThenDecide(
		limit: RateLimit,
		...[request, response, route, outcome]: Parameters<typeof decide>
	): Promise<Refusal | undefined> {
		const principal = principalOf(request);
		const seconds = await limit.take(principal?.id ?? clientOfAddress(request.socket.remoteAddress ?? ""));
		if (seconds === undefined) return decide(request, response, route, outcome);
		observer.limited(principal === undefined ? "address" : "principal");
		response.setHeader("Retry-After", seconds);
		const who = principal === undefined ? "this address" : principal.name;
		const detail = `${who} has made all the requests of this minute (RATE_LIMIT_PER_MINUTE); try again in ${seconds} s`;
		return { status: 429, code: "RATE_LIMITED", title: "Too many requests", detail };
	}

	function judge(...[request, response, route, outcome]: Parameters<typeof decide>): ReturnType<Access> {
		note(request, outcome);
		return rateLimit === undefined || isUnlimited(route, principalOf(request))
			? decide(request, response, route, outcome)
			: limitThenDecide(rateLimit, request, response, route, outcome);
	}

	const judged: Access = (request, response, route) => {
		const outcome = identityOf(request, route);
		return outcome instanceof Promise
			? outcome.then((settled) => judge(request, response, route, settled))
			: judge(request, response, route, outcome);
	};
	if (audit === undefined) return judged;
	return (request, response, route) => {
		const found = judged(request, response, route);
		const write = (refusal: Refusal | undefined): Refusal | undefined => {
			audit.request(request, response, { route: route?.path, scope: route?.scope, refusal });
			return refusal;
		};
		return found instanceof Promise ? found.then(write) : write(found);
	};
}

/** Probes, which cost nothing, and who may do nothing but scrape. */
function isUnlimited(route: Route | undefined, principal: Principal | undefined): boolean {
	if (route?.isProbe === true) return true;
	return (
		route?.scope === "metrics" && principal !== undefined && principal.scopes.every((scope) => scope === "metrics")
	);
}
