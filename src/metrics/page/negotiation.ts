/**
 * Which format and which encoding a scraper gets. RFC 9110 (Accept, Accept-Encoding, If-None-Match),
 * prometheus.io/docs/instrumenting/content_negotiation and escaping_schemes.
 */
import type { PageFormat } from "../exposition/exposition-writer.ts";

export interface NegotiatedFormat {
	readonly format: PageFormat;
	readonly contentType: string;
}

/** The format that the header prefers; text 0.0.4 when it asks for nothing that is known here, which is never an error. */
export function negotiateFormat(accept: string | undefined): NegotiatedFormat {
	let best: { readonly negotiated: NegotiatedFormat; readonly quality: number } | undefined;
	for (const range of (accept ?? "").split(",").slice(0, MAX_RANGES)) {
		const { type, parameters } = parseRange(range);
		const quality = qualityOf(parameters);
		const negotiated = formatOf(type, parameters);
		if (negotiated === undefined || quality <= (best?.quality ?? 0)) continue;
		best = { negotiated, quality };
	}
	return best?.negotiated ?? TEXT;
}

export function acceptsGzip(acceptEncoding: string | undefined): boolean {
	let any = 0;
	for (const range of (acceptEncoding ?? "").split(",").slice(0, MAX_RANGES)) {
		const { type, parameters } = parseRange(range);
		if (type === "gzip" || type === "x-gzip") return qualityOf(parameters) > 0;
		if (type === "*") any = qualityOf(parameters);
	}
	return any > 0;
}

/** Whether the client has this very page already. */
export function isNotModified(ifNoneMatch: string | undefined, etag: string): boolean {
	if (ifNoneMatch === undefined) return false;
	return ifNoneMatch.split(",").some((tag) => {
		const trimmed = tag.trim();
		return trimmed === "*" || trimmed === etag || trimmed === `W/${etag}`;
	});
}

const MAX_RANGES = 32;
const TEXT: NegotiatedFormat = { format: "text", contentType: "text/plain; version=0.0.4; charset=utf-8" };

function formatOf(type: string, parameters: ReadonlyMap<string, string>): NegotiatedFormat | undefined {
	const version = parameters.get("version");
	const escaping = parameters.get("escaping");
	const isUtf8 = escaping === "allow-utf-8";
	// Where a scraper named an escaping scheme it is told which one it got; only these two are spoken here.
	const escapingTerm = escaping === undefined ? "" : `; escaping=${isUtf8 ? "allow-utf-8" : "underscores"}`;
	switch (type) {
		case "application/openmetrics-text":
			if (version !== undefined && version !== "1.0.0") return undefined;
			return {
				format: isUtf8 ? "openmetrics-utf8" : "openmetrics",
				contentType: `application/openmetrics-text; version=1.0.0; charset=utf-8${escapingTerm}`,
			};
		case "text/plain":
			if (version === "1.0.0") {
				return {
					format: isUtf8 ? "text-utf8" : "text",
					contentType: `text/plain; version=1.0.0; charset=utf-8${escapingTerm || "; escaping=underscores"}`,
				};
			}
			return version === undefined || version === "0.0.4" ? TEXT : undefined;
		case "text/*":
		case "*/*":
			return TEXT;
		default:
			return undefined;
	}
}

function parseRange(range: string): { readonly type: string; readonly parameters: ReadonlyMap<string, string> } {
	const [type = "", ...terms] = range.split(";");
	const parameters = new Map<string, string>();
	for (const term of terms) {
		const equals = term.indexOf("=");
		if (equals === -1) continue;
		const value = term.slice(equals + 1).trim();
		parameters.set(term.slice(0, equals).trim().toLowerCase(), value.replace(/^"(.*)"$/, "$1"));
	}
	return { type: type.trim().toLowerCase(), parameters };
}

/** Between 0 and 1; 1 where none is given or it cannot be read. */
function qualityOf(parameters: ReadonlyMap<string, string>): number {
	const quality = Number(parameters.get("q") ?? 1);
	return quality >= 0 && quality <= 1 ? quality : 1;
}
