import type { GatewayOptions } from "../mcp/calls/gateway.ts";
import type { CallWindow } from "../metrics/self/call-window.ts";

/** Counts what modules are asked for the pages as well: by module, and of the last minute alone. */
export function observeCalls(
	observe: GatewayOptions["observe"],
	calls: Pick<CallWindow, "add">,
): GatewayOptions["observe"] {
	return (request) => {
		const ended = observe(request);
		const startedAt = performance.now();
		return (outcome) => {
			ended(outcome);
			if (request.module === undefined) return;
			calls.add(request.module, performance.now() - startedAt, outcome.status === "error");
		};
	};
}
