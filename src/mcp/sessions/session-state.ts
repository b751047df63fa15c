import type { CallOrigin } from "../calls/call.ts";
import type { StandaloneStream } from "./session-stream.ts";

/** What a 2025-era server knows beyond one request. */
export interface SessionState {
	/** Undefined until the client has named one. */
	logLevel: string | undefined;
	readonly stream: StandaloneStream;
	/** The modules that have answered a request of this session: those that may send to it. */
	readonly called: ReadonlySet<string>;
	origin(from: CallOrigin): CallOrigin;
	/** False once it has ended. */
	isOpen(): boolean;
}
