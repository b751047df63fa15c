import type { IncomingMessage } from "node:http";
import type { AuthMethod, Principal } from "./principal.ts";

/** Why nobody is known for a request, as `mcp_auth_failures_total` labels it. */
export const AUTH_FAILURES = [
	"missing",
	"malformed",
	"unknown",
	"expired",
	"not_yet_valid",
	"signature",
	"algorithm",
	"issuer",
	"audience",
	"claims",
	"keys_unavailable",
	"busy",
] as const;
export type AuthFailure = (typeof AUTH_FAILURES)[number];

export type AuthOutcome =
	| { readonly principal: Principal; readonly until: number }
	| { readonly failure: AuthFailure; readonly method: AuthMethod };

/** Proves what one kind of credentials says. Undefined for credentials of another kind. */
export type CredentialCheck = (credentials: Credentials) => AuthOutcome | Promise<AuthOutcome> | undefined;

export interface Credentials {
	/** In lower case. */
	readonly scheme: string;
	/** What follows the scheme. */
	readonly value: string;
}

export interface Authenticator {
	/** Who sends the request. At once wherever its credentials were seen before. */
	identify(request: IncomingMessage): AuthOutcome | Promise<AuthOutcome>;
	/** Other credentials are in force from here on: all are checked anew. */
	forget(): void;
}

export interface AuthenticatorOptions {
	/** Asked in this order. */
	readonly checks: readonly CredentialCheck[];
	/** Who a connection's client certificate stands for; asked of requests without other credentials. */
	readonly certificate?: (request: IncomingMessage) => Principal | undefined;
	/** Milliseconds since the epoch. */
	readonly now: () => number;
}

export function createAuthenticator({ checks, certificate, now }: AuthenticatorOptions): Authenticator {
	/** By the header as it was sent. Only what was right: what is wrong is not kept. */
	const known = new Map<string, Known>();
	/** Counts what `forget` has ended, so that a check that began before does not keep what it finds. */
	let era = 0;

	function keep(header: string, found: Known): void {
		const [oldest] = known.keys();
		if (known.size >= MAX_KNOWN && oldest !== undefined) known.delete(oldest);
		known.set(header, found);
	}

	function finish(header: string, outcome: AuthOutcome, begunIn: number): AuthOutcome {
		if ("principal" in outcome && begunIn === era) keep(header, outcome);
		return outcome;
	}

	function withoutHeader(request: IncomingMessage): AuthOutcome {
		const principal = certificate?.(request);
		return principal === undefined ? MISSING : { principal, until: Number.POSITIVE_INFINITY };
	}

	return {
		identify(request) {
			const { authorization } = request.headers;
			if (authorization === undefined) return withoutHeader(request);
			const cached = known.get(authorization);
			if (cached !== undefined && cached.until > now()) return cached;
			known.delete(authorization);
			const credentials = authorization.length > MAX_LENGTH ? undefined : readCredentials(authorization);
			if (credentials === undefined) return MALFORMED;
			for (const check of checks) {
				const outcome = check(credentials);
				if (outcome === undefined) continue;
				const begunIn = era;
				return outcome instanceof Promise
					? outcome.then((settled) => finish(authorization, settled, begunIn))
					: finish(authorization, outcome, begunIn);
			}
			return { failure: "unknown", method: METHODS[credentials.scheme] ?? "none" };
		},
		forget() {
			era += 1;
			known.clear();
		},
	};
}

type Known = Extract<AuthOutcome, { principal: Principal }>;

/** Headers that are kept, each no longer than the next figure says. */
const MAX_KNOWN = 2000;
const MAX_LENGTH = 8192;
const METHODS: Readonly<Record<string, AuthMethod>> = { bearer: "bearer", basic: "basic" };
const MISSING: AuthOutcome = { failure: "missing", method: "none" };
const MALFORMED: AuthOutcome = { failure: "malformed", method: "none" };

/** RFC 9110, 11.4. */
function readCredentials(header: string): Credentials | undefined {
	const [, scheme, value] = /^([A-Za-z]+) +([A-Za-z0-9\-._~+/]+=*)$/.exec(header.trim()) ?? [];
	return scheme === undefined || value === undefined ? undefined : { scheme: scheme.toLowerCase(), value };
}
