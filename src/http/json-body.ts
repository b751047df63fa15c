import { isUtf8 } from "node:buffer";
import type { RequestHandler } from "express";

/**
 * Reads the JSON bodies that MCP clients send: UTF-8, not compressed, of a known length. Anything else, and anything that
 * is wrong, is left to a parser that knows it all; this one is here because tool calls pass through it, and a general
 * parser takes as long for a small body as the rest of the way to the worker.
 *
 * @param general reads what this does not, with the same limit
 */
export function createJsonBody(general: RequestHandler, maxBytes: number): RequestHandler {
	return (request, response, next) => {
		const { headers } = request;
		const length = Number(headers["content-length"]);
		const plain =
			PLAIN_JSON.has(headers["content-type"] ?? "") &&
			headers["content-encoding"] === undefined &&
			headers["transfer-encoding"] === undefined &&
			length > 0 &&
			length <= maxBytes;
		if (!plain) return void general(request, response, next);
		const chunks: Buffer[] = [];
		request.on("data", (chunk: Buffer) => void chunks.push(chunk));
		request.once("end", () => {
			const [first] = chunks;
			const bytes = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
			const body = parse(bytes);
			if (body === undefined) return next(MALFORMED());
			request.body = body.value;
			next();
		});
		// A client that goes away before the end of its body has nobody to be answered to.
	};
}

const PLAIN_JSON: ReadonlySet<string> = new Set(["application/json", "application/json; charset=utf-8"]);

function parse(bytes: Buffer): { readonly value: unknown } | undefined {
	if (!isUtf8(bytes)) return undefined;
	try {
		return { value: JSON.parse(bytes.toString("utf8")) as unknown };
	} catch {
		return undefined;
	}
}

/** What Express's own parser throws, for the one error handler. */
function MALFORMED(): Error {
	return Object.assign(new Error("the body is not JSON"), { status: 400, type: "entity.parse.failed" });
}
