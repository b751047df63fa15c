/** Begins spans. Contexts are the texts of W3C trace context, as they come and go in headers and in `_meta`. */
export interface Tracer {
	/** @param parent a `traceparent`; undefined, or what is none, begins a trace */
	begin(name: string, kind: SpanKind, parent: string | undefined, attributes: Attributes): TracedSpan;
}

export interface TracedSpan {
	/** For what is done on its behalf. */
	readonly traceparent: string;
	/** @param errorType why it has failed; undefined where it has not */
	end(attributes?: Attributes, errorType?: string): void;
}

export type SpanKind = "server" | "client" | "internal";
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** A tracer, and what of it lives until the host stops. */
export interface Tracing extends Tracer {
	/** Sends what waits, for a moment, and no more. Never rejects. */
	stop(): Promise<void>;
}
