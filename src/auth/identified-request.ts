import type { IncomingMessage } from "node:http";
import type { Principal } from "./principal.ts";

interface IdentifiedRequest extends IncomingMessage {
	/** Where the SDK's bridges look (its `AuthInfo`). */
	auth?: { readonly token: string; readonly clientId: string; readonly scopes: string[] };
	principal?: Principal;
}

/** Notes on a request who sends it. The token stays where it was: nothing behind this point has a use for it. */
export function identify(request: IncomingMessage, principal: Principal): void {
	const identified: IdentifiedRequest = request;
	identified.principal = principal;
	identified.auth = { token: "", clientId: principal.name, scopes: [...principal.scopes] };
}

/** Who sends a request; undefined where nobody has to say. */
export function principalOf(request: IncomingMessage): Principal | undefined {
	return (request as IdentifiedRequest).principal;
}
