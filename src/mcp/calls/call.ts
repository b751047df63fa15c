import type { Era } from "../../../workers/wire/catalog.ts";
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
	readonly trace?: TraceContext | undefined;
}
