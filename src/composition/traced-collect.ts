import { BulkheadError } from "../core/errors.ts";
import type { Host } from "../host/host.ts";
import type { Tracer } from "../telemetry/tracer.ts";

/** Collections with a span each, which is the beginning of a trace: nobody has asked for it. */
export function tracedCollect(host: Pick<Host, "collect">, tracer: Tracer): Host["collect"] {
	return async (id, timeoutMs) => {
		const span = tracer.begin(`collect ${id}`, "internal", undefined, { "bulkhead.module": id });
		try {
			const collected = await host.collect(id, timeoutMs);
			span.end();
			return collected;
		} catch (error) {
			span.end({}, error instanceof BulkheadError ? error.code : "unknown");
			throw error;
		}
	};
}
