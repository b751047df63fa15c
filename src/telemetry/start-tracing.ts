import { messageOf } from "../core/errors.ts";
import type { Tracing } from "./tracer.ts";

/** Variables by name. */
export type TracingEnvironment = Readonly<Record<string, string | undefined>>;

export interface TracingOptions {
	readonly env: TracingEnvironment;
	readonly serviceVersion: string;
	/** What is wrong with a variable, or why there is no tracing: a sentence for the log. */
	readonly onProblem: (what: string) => void;
}

/** Tracing as the standard variables want it; undefined, and nothing loaded, unless they name an endpoint. Never rejects. */
export async function startTracing(options: TracingOptions): Promise<Tracing | undefined> {
	const url = endpointOf(options.env);
	if (url === undefined) return undefined;
	try {
		const { openTracing } = await import("./otlp-tracing.ts");
		return openTracing(url, options);
	} catch (error) {
		options.onProblem(`there is no tracing: ${messageOf(error)}`);
		return undefined;
	}
}

function endpointOf(env: TracingEnvironment): string | undefined {
	if (env["OTEL_SDK_DISABLED"]?.trim().toLowerCase() === "true" || env["OTEL_TRACES_EXPORTER"]?.trim() === "none")
		return undefined;
	const own = env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]?.trim();
	if (own) return own;
	const general = env["OTEL_EXPORTER_OTLP_ENDPOINT"]?.trim();
	return general ? `${general.replace(/\/+$/, "")}/v1/traces` : undefined;
}
