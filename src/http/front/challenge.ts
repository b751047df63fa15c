import type { IncomingMessage, ServerResponse } from "node:http";
import type { AuthFailure } from "../../auth/authenticator.ts";
import type { Scope } from "../../auth/principal.ts";
import type { Refusal } from "./problem.ts";

export interface ChallengeOptions {
	/** Which kinds of credentials are taken in an `Authorization` header. */
	readonly schemes: ReadonlySet<"bearer" | "basic">;
	/** Where a client learns who issues its tokens (RFC 9728); undefined where nobody does. */
	readonly metadataUrl: ((request: IncomingMessage) => string) | undefined;
}

/** Says what a client has to bring, in the words that MCP clients and browsers understand (RFC 6750, 3; RFC 9728, 5.1). */
export interface Challenges {
	unauthenticated(request: IncomingMessage, response: ServerResponse, scope: Scope, failure: AuthFailure): Refusal;
	insufficient(request: IncomingMessage, response: ServerResponse, scope: Scope): Refusal;
}

export function createChallenges({ schemes, metadataUrl }: ChallengeOptions): Challenges {
	function challenge(request: IncomingMessage, response: ServerResponse, parameters: readonly string[]): void {
		const metadata = metadataUrl === undefined ? [] : [`resource_metadata="${metadataUrl(request)}"`];
		const challenges = [
			...(schemes.has("bearer") ? [`Bearer ${['realm="bulkhead"', ...metadata, ...parameters].join(", ")}`] : []),
			...(schemes.has("basic") ? ['Basic realm="bulkhead", charset="UTF-8"'] : []),
		];
		if (challenges.length > 0) response.setHeader("WWW-Authenticate", challenges);
		response.setHeader("Cache-Control", "no-store");
	}

	return {
		unauthenticated(request, response, scope, failure) {
			if (failure === "busy" || failure === "keys_unavailable") {
				response.setHeader("Retry-After", RETRY_SECONDS);
				return { status: 503, code: "AUTH_UNAVAILABLE", title: "Try again later", detail: DESCRIPTIONS[failure] };
			}
			const wrong =
				failure === "missing" ? [] : ['error="invalid_token"', `error_description="${DESCRIPTIONS[failure]}"`];
			challenge(request, response, [...wrong, `scope="${scope}"`]);
			const detail = `${DESCRIPTIONS[failure]}; this needs the scope ${scope} (docs/security.md says how to get it)`;
			return { status: 401, code: "UNAUTHENTICATED", title: "Unauthorized", detail };
		},
		insufficient(request, response, scope) {
			challenge(request, response, ['error="insufficient_scope"', `scope="${scope}"`]);
			const detail = `this needs the scope ${scope}, which these credentials do not have`;
			return { status: 403, code: "INSUFFICIENT_SCOPE", title: "Forbidden", detail };
		},
	};
}

const RETRY_SECONDS = 5;
const DESCRIPTIONS: Readonly<Record<AuthFailure, string>> = {
	missing: "no credentials were sent",
	malformed: "the Authorization header cannot be read",
	unknown: "these credentials are not known",
	expired: "the token has expired",
	not_yet_valid: "the token is not valid yet",
	signature: "the signature of the token is wrong",
	algorithm: "the algorithm of the token is not allowed",
	issuer: "the token is of another issuer",
	audience: "the token is for another audience",
	claims: "the token lacks a claim that is needed",
	keys_unavailable: "the token cannot be checked now, since the keys of its issuer cannot be fetched",
	busy: "too many passwords are being checked; try again later",
};
