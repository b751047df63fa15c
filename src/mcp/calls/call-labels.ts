import { TRACEPARENT_META_KEY } from "@modelcontextprotocol/server";
import { isRecord } from "../../../workers/wire/json.ts";
import type { RequestLabels } from "../../../workers/wire/rpc-client.ts";
import { addRequestIds, currentRequestIds } from "../../logging/request-ids.ts";
import type { CallOrigin, IncomingCall } from "./call.ts";
import { traceIdOf } from "./trace-context.ts";

/** Adds what is known of who calls to the ids of the request that is being handled: from here on its log lines have it. */
export function identifyCall({
	params,
	origin: { session, authInfo, trace },
}: Pick<IncomingCall, "params" | "origin">): void {
	const meta = params["_meta"];
	const traceId =
		traceIdOf(isRecord(meta) ? meta[TRACEPARENT_META_KEY] : undefined) ?? traceIdOf(trace?.["traceparent"]);
	if (session === undefined && authInfo === undefined && traceId === undefined) return;
	addRequestIds({
		...(session !== undefined && { session_id: session.session }),
		...(authInfo !== undefined && { principal: authInfo.clientId }),
		...(traceId !== undefined && { trace_id: traceId }),
	});
}

/** What the lines of a module carry that its code writes for this call. */
export function callLabels(
	method: string,
	{ name }: IncomingCall["params"],
	{ session, authInfo }: CallOrigin,
): RequestLabels {
	const kind = KINDS[method];
	return {
		// The first for a call that no HTTP request has made.
		...(session !== undefined && { session_id: session.session }),
		...(authInfo !== undefined && { principal: authInfo.clientId }),
		...currentRequestIds(),
		...(kind !== undefined && typeof name === "string" && { [kind]: name }),
	};
}

/** Of a resource the URI is the client's own text, and may hold what a log should not. */
const KINDS: Readonly<Record<string, string | undefined>> = { "tools/call": "tool", "prompts/get": "prompt" };
