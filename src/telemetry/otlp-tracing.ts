import {
	type Context,
	ROOT_CONTEXT,
	type SpanContext,
	SpanKind,
	SpanStatusCode,
	TraceFlags,
	trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
	AlwaysOffSampler,
	AlwaysOnSampler,
	BatchSpanProcessor,
	ParentBasedSampler,
	type Sampler,
	TraceIdRatioBasedSampler,
	TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { TracingEnvironment, TracingOptions } from "./start-tracing.ts";
import type { Tracing } from "./tracer.ts";

/**
 * Spans by OTLP over HTTP. Main only keeps them, up to a bound, and sends them in batches: a collector that is away or slow
 * costs the spans that there is no more room for.
 *
 * @throws what is wrong with the endpoint
 */
export function openTracing(url: string, { env, serviceVersion, onProblem }: TracingOptions): Tracing {
	const exporter = new OTLPTraceExporter({
		url: new URL(url).href,
		headers: pairsOf(env["OTEL_EXPORTER_OTLP_TRACES_HEADERS"] ?? env["OTEL_EXPORTER_OTLP_HEADERS"]),
		timeoutMillis: numberOf(env["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"] ?? env["OTEL_EXPORTER_OTLP_TIMEOUT"], 10_000),
	});
	const maxQueueSize = numberOf(env["OTEL_BSP_MAX_QUEUE_SIZE"], 2048);
	const processor = new BatchSpanProcessor({
		exporter,
		maxQueueSize,
		maxExportBatchSize: Math.min(maxQueueSize, numberOf(env["OTEL_BSP_MAX_EXPORT_BATCH_SIZE"], 512)),
		scheduledDelayMillis: numberOf(env["OTEL_BSP_SCHEDULE_DELAY"], 5000),
		exportTimeoutMillis: numberOf(env["OTEL_BSP_EXPORT_TIMEOUT"], 30_000),
	});
	const provider = new TracerProvider({
		sampler: samplerOf(env, onProblem),
		spanProcessors: [processor],
		spanLimits: { attributeCountLimit: 64, attributeValueLengthLimit: 1024, eventCountLimit: 64, linkCountLimit: 16 },
		resource: resourceFromAttributes({
			"service.version": serviceVersion,
			...pairsOf(env["OTEL_RESOURCE_ATTRIBUTES"]),
			"service.name":
				env["OTEL_SERVICE_NAME"]?.trim() || pairsOf(env["OTEL_RESOURCE_ATTRIBUTES"])["service.name"] || "bulkhead",
		}),
	});
	const tracer = provider.getTracer("bulkhead", serviceVersion);

	return {
		begin(name, kind, parent, attributes) {
			const span = tracer.startSpan(name, { kind: KINDS[kind], attributes: { ...attributes } }, contextOf(parent));
			return {
				traceparent: traceparentOf(span.spanContext()),
				end(more = {}, errorType) {
					span.setAttributes({ ...more });
					if (errorType !== undefined) {
						span.setAttribute("error.type", errorType);
						span.setStatus({ code: SpanStatusCode.ERROR });
					}
					span.end();
				},
			};
		},
		async stop() {
			const tooLong = Promise.withResolvers<void>();
			const timer = setTimeout(tooLong.resolve, STOP_TIMEOUT_MS);
			await Promise.race([provider.shutdown().catch(() => undefined), tooLong.promise]);
			clearTimeout(timer);
		},
	};
}

const STOP_TIMEOUT_MS = 2000;
const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL } as const;
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;

function contextOf(traceparent: string | undefined): Context {
	const [, traceId, spanId, flags = "0"] = TRACEPARENT.exec(traceparent ?? "") ?? [];
	if (traceId === undefined || spanId === undefined) return ROOT_CONTEXT;
	const traceFlags = Number.parseInt(flags, 16) & TraceFlags.SAMPLED;
	return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
	return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}

/** `OTEL_TRACES_SAMPLER` and its argument, by the specification; without it: as the parent, and whatever has none. */
function samplerOf(env: TracingEnvironment, onProblem: (what: string) => void): Sampler {
	const name = env["OTEL_TRACES_SAMPLER"]?.trim() || "parentbased_always_on";
	const root = rootSampler(name.replace(/^parentbased_/, ""), env["OTEL_TRACES_SAMPLER_ARG"], onProblem);
	if (root === undefined) {
		onProblem(`OTEL_TRACES_SAMPLER=${name.slice(0, 100)} is not known: parentbased_always_on is in force`);
		return new ParentBasedSampler({ root: new AlwaysOnSampler() });
	}
	return name.startsWith("parentbased_") ? new ParentBasedSampler({ root }) : root;
}

function rootSampler(
	name: string,
	argument: string | undefined,
	onProblem: (what: string) => void,
): Sampler | undefined {
	switch (name) {
		case "always_on":
			return new AlwaysOnSampler();
		case "always_off":
			return new AlwaysOffSampler();
		case "traceidratio": {
			const ratio = Number(argument?.trim() || 1);
			if (ratio >= 0 && ratio <= 1) return new TraceIdRatioBasedSampler(ratio);
			onProblem("OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1: every trace is kept");
			return new AlwaysOnSampler();
		}
		default:
			return undefined;
	}
}

/** `a=b,c=d`, each value as in a URL. */
function pairsOf(text = ""): Record<string, string> {
	const pairs: Record<string, string> = {};
	for (const pair of text.split(",")) {
		const end = pair.indexOf("=");
		const name = pair.slice(0, end).trim();
		if (end > 0 && name !== "") pairs[name] = decoded(pair.slice(end + 1).trim());
	}
	return pairs;
}

function decoded(value: string): string {
	try {
		return decodeURIComponent(value);
	} catch {
		return value;
	}
}

function numberOf(text: string | undefined, unset: number): number {
	const number = Number(text?.trim() || unset);
	return Number.isSafeInteger(number) && number > 0 ? number : unset;
}
