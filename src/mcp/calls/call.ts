import type { Era } from "../../../workers/wire/catalog.ts";
import type { Principal } from "../../auth/principal.ts";
import type { AuthDto, ClientDto } from "../../../workers/wire/messages.ts";
import type { TaskMethod } from "./task-owners.ts";
import type { TraceContext } from "./trace-context.ts";

/** The requests that a module answers. */
export type ForwardedMethod = (typeof FORWARDED_METHODS)[number] | TaskMethod;
export const FORWARDED_METHODS = ["tools/call", "prompts/get", "resources/read", "completion/complete"] as const;

export interface IncomingCall {
	readonly era: Era;
	readonly method: ForwardedMethod;
	readonly params: Readonly<Record<string, unknown>>;
	readonly origin: CallOrigin;
}

/** Who calls. */
export interface CallOrigin {
	/** Tells clients apart where they wait for each other: a session, a token's name, an address. */
	readonly client: string;
	readonly session?: ClientDto | undefined;
	/** Takes note of the modules that the session calls. */
	readonly called?: Set<string> | undefined;
	readonly authInfo?: AuthDto | undefined;
	/** Undefined where nobody has to say who they are. */
	readonly principal?: Principal | undefined;
	/** Where the HTTP request comes from. */
	readonly address?: string | undefined;
	readonly trace?: TraceContext | undefined;
}

/** Whose is what this request begins: a session, a task, a cursor, a state. Nobody else finds it. */
export function ownerOf({ principal, authInfo }: CallOrigin): string | undefined {
	return principal?.id ?? authInfo?.clientId;
}
