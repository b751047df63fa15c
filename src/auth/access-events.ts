import type { AuthFailure } from "./authenticator.ts";
import type { AuthMethod, Scope } from "./principal.ts";

/** What is asked for, as `mcp_authz_checks_total` labels it: a part of the host, or a thing that a module offers. */
export type ResourceType = Scope | "tool" | "prompt" | "resource" | "task" | "module";
export type DenialReason = "insufficient_scope" | "hidden";
/** Whose requests are too many. */
export type LimitScope = "principal" | "address";

/** Hears what is decided about requests. */
export interface AccessObserver {
	authenticated(method: AuthMethod): void;
	notAuthenticated(method: AuthMethod, reason: AuthFailure): void;
	authorized(type: ResourceType): void;
	denied(type: ResourceType, reason: DenialReason): void;
	limited(scope: LimitScope): void;
}
