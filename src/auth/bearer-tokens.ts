import type { CredentialCheck } from "./authenticator.ts";
import type { TokenList } from "./token-list.ts";

/**
 * Finds the token of a `Bearer` header in the list that is in force. Leaves what it does not find to the next check.
 *
 * @param now milliseconds since the epoch
 */
export function createBearerCheck(list: () => TokenList, now: () => number): CredentialCheck {
	return ({ scheme, value }) => {
		const token = scheme === "bearer" ? list().find(value) : undefined;
		if (token === undefined) return undefined;
		if (token.expiresAt <= now()) return { failure: "expired", method: "bearer" };
		return { principal: token.principal, until: token.expiresAt };
	};
}
