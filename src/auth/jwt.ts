import { errors, jwtVerify, type JWTPayload, type JWTVerifyResult } from "jose";
import type { AuthFailure, AuthOutcome, CredentialCheck } from "./authenticator.ts";
import { type KeySource, KeysUnavailable } from "./key-source.ts";
import { SCOPES, SEES_ALL } from "./principal.ts";

export interface JwtOptions {
	readonly issuer: string;
	/** A token is taken that is for one of them. */
	readonly audiences: readonly string[];
	readonly keys: KeySource;
	/** Milliseconds since the epoch. */
	readonly now: () => number;
}

/**
 * Checks the JWTs of an OAuth 2 issuer: signature, issuer, audience, and that it is their time (RFC 9068, 4). The algorithms
 * are those with a public key, whatever the token says: with `none` or a shared secret, anybody could sign.
 */
export function createJwtCheck({ issuer, audiences, keys, now }: JwtOptions): CredentialCheck {
	async function verify(token: string): Promise<JWTVerifyResult> {
		const options = {
			issuer,
			audience: [...audiences],
			algorithms: ALGORITHMS,
			clockTolerance: SKEW_SECONDS,
			requiredClaims: ["exp"],
			currentDate: new Date(now()),
		};
		try {
			return await jwtVerify(token, keys, options);
		} catch (error) {
			if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
			// A token that does not name its key is of any of them.
			for await (const key of error) {
				try {
					return await jwtVerify(token, key, options);
				} catch (refused) {
					if (!(refused instanceof errors.JWSSignatureVerificationFailed)) throw refused;
				}
			}
			throw new errors.JWSSignatureVerificationFailed();
		}
	}

	async function check(token: string): Promise<AuthOutcome> {
		try {
			return outcomeOf((await verify(token)).payload, now());
		} catch (error) {
			return { failure: failureOf(error), method: "jwt" };
		}
	}

	return ({ scheme, value }) => (scheme === "bearer" && COMPACT_JWS.test(value) ? check(value) : undefined);
}

const ALGORITHMS = [
	"RS256",
	"RS384",
	"RS512",
	"PS256",
	"PS384",
	"PS512",
	"ES256",
	"ES384",
	"ES512",
	"EdDSA",
	"Ed25519",
];
/** Clocks of servers differ. */
const SKEW_SECONDS = 5;
/** How long what was found is believed without looking again: a key may be withdrawn before its tokens expire. */
const BELIEVED_MS = 60_000;
const COMPACT_JWS = /^[\w-]+\.[\w-]*\.[\w-]*$/;
const MAX_NAME = 256;

function outcomeOf(claims: JWTPayload, now: number): AuthOutcome {
	const { sub, client_id, azp, exp = 0 } = claims as JWTPayload & Readonly<Record<"client_id" | "azp", unknown>>;
	const name = [sub, client_id, azp].find((claim) => typeof claim === "string" && claim !== "");
	if (typeof name !== "string" || name.length > MAX_NAME) return { failure: "claims", method: "jwt" };
	const granted = new Set([...textsOf(claims["scope"]), ...textsOf(claims["scp"])]);
	return {
		principal: {
			name,
			id: `jwt:${name}`,
			method: "jwt",
			scopes: SCOPES.filter((scope) => granted.has(scope)),
			sees: SEES_ALL,
		},
		until: Math.min((exp + SKEW_SECONDS) * 1000, now + BELIEVED_MS),
	};
}

/** One text with spaces between (RFC 8693), or a list, as some issuers write it. */
function textsOf(claim: unknown): readonly unknown[] {
	if (typeof claim === "string") return claim.split(" ");
	return Array.isArray(claim) ? claim : [];
}

function failureOf(error: unknown): AuthFailure {
	if (error instanceof KeysUnavailable) return "keys_unavailable";
	if (error instanceof errors.JWTExpired) return "expired";
	if (error instanceof errors.JWTClaimValidationFailed) return CLAIMS[error.claim] ?? "claims";
	if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported) return "algorithm";
	if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey)
		return "signature";
	return "malformed";
}

const CLAIMS: Readonly<Record<string, AuthFailure>> = { aud: "audience", iss: "issuer", nbf: "not_yet_valid" };
