import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";

/** Whether a request carries JSON as MCP clients send it: UTF-8, not compressed, of a known length. */
export function hasPlainJson({ headers }: IncomingMessage, maxBytes: number): boolean {
	const length = Number(headers["content-length"]);
	return (
		PLAIN_JSON.has(headers["content-type"] ?? "") &&
		headers["content-encoding"] === undefined &&
		headers["transfer-encoding"] === undefined &&
		length > 0 &&
		length <= maxBytes
	);
}

/**
 * Reads such a body. A general parser takes as long for a small one as the rest of the way to the worker.
 *
 * @param onBody gets undefined for what is not JSON. It is not called for a client that goes away before the end of its
 * body, which has nobody to be answered to.
 */
export function readPlainJson(
	request: IncomingMessage,
	onBody: (body: { readonly value: unknown } | undefined) => void,
): void {
	const chunks: Buffer[] = [];
	request.on("data", (chunk: Buffer) => void chunks.push(chunk));
	request.once("end", () => {
		const [first] = chunks;
		onBody(parse(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)));
	});
}

const PLAIN_JSON: ReadonlySet<string> = new Set(["application/json", "application/json; charset=utf-8"]);

function parse(bytes: Buffer): { readonly value: unknown } | undefined {
	if (!isUtf8(bytes)) return undefined;
	try {
		return { value: JSON.parse(withoutMark(bytes).toString("utf8")) as unknown };
	} catch {
		return undefined;
	}
}

/** A byte order mark may be ignored (RFC 8259, 8.1), as the general parser does. */
function withoutMark(bytes: Buffer): Buffer {
	return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}
