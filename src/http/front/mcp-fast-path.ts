import type { IncomingMessage, ServerResponse } from "node:http";
import type { McpEndpoint } from "../../mcp/endpoint.ts";
import { currentRequestIds, withRequestIds } from "../../logging/request-ids.ts";
import { hasPlainJson, readPlainJson } from "./json-body.ts";
import { type RequestObserver, watchResponse } from "./request-metrics.ts";

export interface McpShortcutOptions {
	readonly mcp: McpEndpoint;
	readonly observer: RequestObserver;
	/** Answers a request whose body is not JSON, and one whose handling threw. */
	readonly onError: (thrown: unknown, request: IncomingMessage, response: ServerResponse) => void;
}

/**
 * Takes the plain POST on `/mcp` past the router, which would cost as much as all that is done for a small tool call.
 * It gets what the admission has let in, knows no other route, and leaves whatever is not plain to the app.
 *
 * @returns whether it has taken the request
 */
export function createMcpShortcut(
	options: McpShortcutOptions,
): (request: IncomingMessage, response: ServerResponse) => boolean {
	const { mcp, observer, onError } = options;
	return (request, response) => {
		if (request.method !== "POST" || request.url !== PATH || !hasPlainJson(request, MAX_PLAIN_BODY_BYTES)) return false;
		watchResponse(observer, request, response, () => PATH);
		const scope = currentRequestIds();
		readPlainJson(request, (body) => {
			if (body === undefined) return onError(new MalformedJson(), request, response);
			const handle = (): Promise<void> =>
				mcp.handle(request, response, body.value).catch((thrown: unknown) => onError(thrown, request, response));
			// The events of a connection are nobody's.
			if (scope === undefined) void handle();
			else void withRequestIds(scope, handle);
		});
		return true;
	};
}

const PATH = "/mcp";
/** Longer bodies are read by the general parser, which knows the limit. */
const MAX_PLAIN_BODY_BYTES = 1 << 20;

/** As Express's own parser says it. */
class MalformedJson extends Error {
	readonly status = 400;
	readonly type = "entity.parse.failed";
}
