import { currentRequestIds } from "../logging/request-ids.ts";
import type { AuditLog } from "../auth/audit-log.ts";
import type { GatewayOptions, ObservedCall, RequestOutcome } from "../mcp/calls/gateway.ts";

/** Counts each request, and writes down the tool calls and the reads. */
export function auditCalls(count: GatewayOptions["observe"], audit: AuditLog | undefined): GatewayOptions["observe"] {
	if (audit === undefined) return count;
	return (request) => {
		const counted = count(request);
		const { call } = request;
		const event = EVENTS.get(request.method);
		if (event === undefined || call === undefined) return counted;
		const startedAt = performance.now();
		return (outcome) => {
			counted(outcome);
			audit.call({ event, ...describe(call, outcome), durationMs: performance.now() - startedAt });
		};
	};
}

const EVENTS: ReadonlyMap<string, "tool_call" | "resource_read"> = new Map([
	["tools/call", "tool_call"],
	["resources/read", "resource_read"],
]);

function describe({ target, owners, origin }: ObservedCall, outcome: RequestOutcome) {
	return {
		principal: origin.principal?.name,
		address: origin.address,
		session: origin.session?.session,
		requestId: currentRequestIds()?.request_id,
		moduleId: owners[0],
		name: target,
		outcome: outcome.status === "success" ? "success" : outcome.errorType,
		bytes: outcome.bytes ?? 0,
	};
}
