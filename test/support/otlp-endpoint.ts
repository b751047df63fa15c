/** An OTLP/HTTP endpoint that reads what a tracing SDK sends it: protobuf, of which it knows the fields that tests ask for. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

export interface SentSpan {
	readonly traceId: string;
	readonly spanId: string;
	/** Empty for the first of a trace. */
	readonly parentSpanId: string;
	readonly name: string;
	readonly attributes: Readonly<Record<string, string>>;
}

export interface OtlpEndpoint {
	/** Base URL, for `OTEL_EXPORTER_OTLP_ENDPOINT`. */
	readonly url: string;
	readonly spans: readonly SentSpan[];
	/** Paths that were posted to. */
	readonly paths: readonly string[];
}

export async function startOtlpEndpoint(t: TestContext): Promise<OtlpEndpoint> {
	const spans: SentSpan[] = [];
	const paths: string[] = [];
	const server = createServer((request, response) => {
		const chunks: Buffer[] = [];
		request.on("data", (chunk: Buffer) => void chunks.push(chunk));
		request.on("end", () => {
			paths.push(request.url ?? "");
			spans.push(...readExport(Buffer.concat(chunks)));
			response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
		});
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	t.after(() => {
		server.closeAllConnections();
		server.close();
	});
	return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans, paths };
}

/** opentelemetry-proto, ExportTraceServiceRequest: resource_spans 1 > scope_spans 2 > spans 2. */
function readExport(bytes: Buffer): readonly SentSpan[] {
	return all(bytes, 1)
		.flatMap((resource) => all(resource, 2))
		.flatMap((scope) => all(scope, 2))
		.map((span) => ({
			traceId: all(span, 1)[0]?.toString("hex") ?? "",
			spanId: all(span, 2)[0]?.toString("hex") ?? "",
			parentSpanId: all(span, 4)[0]?.toString("hex") ?? "",
			name: all(span, 5)[0]?.toString() ?? "",
			attributes: Object.fromEntries(
				all(span, 9).map((pair) => {
					const value = all(pair, 2)[0] ?? Buffer.alloc(0);
					return [all(pair, 1)[0]?.toString() ?? "", all(value, 1)[0]?.toString() ?? ""];
				}),
			),
		}));
}

/** The length-delimited fields of a message that have this number. */
function all(message: Buffer, wanted: number): Buffer[] {
	const found: Buffer[] = [];
	let at = 0;
	const varint = (): number => {
		let value = 0;
		for (let scale = 1; ; scale *= 128) {
			const byte = message[at++] ?? 0;
			value += (byte & 127) * scale;
			if (byte < 128) return value;
		}
	};
	while (at < message.length) {
		const tag = varint();
		const type = tag & 7;
		if (type === 0) varint();
		else if (type === 1) at += 8;
		else if (type === 5) at += 4;
		else {
			const length = varint();
			if (tag >> 3 === wanted) found.push(message.subarray(at, at + length));
			at += length;
		}
	}
	return found;
}
