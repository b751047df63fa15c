import { once } from "node:events";
import { connect } from "node:net";

/** What came back on a connection until it was closed, or until an answer of known length was whole. */
export interface RawAnswer {
	readonly status: number;
	/** By name in lower case; several of one name are joined by `, `. */
	readonly headers: Readonly<Record<string, string>>;
	readonly body: string;
}

/** Sends bytes as they are, for what no HTTP client would send. The text of a head may leave out `\r` before `\n`. */
export async function sendRaw(url: string, head: string, body = ""): Promise<RawAnswer> {
	const { hostname, port } = new URL(url);
	const socket = connect(Number(port), hostname.replace(/^\[|\]$/g, ""));
	socket.setEncoding("utf8");
	let text = "";
	socket.on("data", (chunk: string) => {
		text += chunk;
		if (isWhole(text)) socket.destroy();
	});
	await once(socket, "connect");
	socket.write(`${head.replace(/\r?\n/g, "\r\n")}\r\n\r\n${body}`);
	await once(socket, "close");
	return read(text);
}

function isWhole(text: string): boolean {
	const end = text.indexOf("\r\n\r\n");
	if (end < 0) return false;
	const { status, headers, body } = read(text);
	if (status === 204) return true;
	const length = headers["content-length"];
	return length === undefined ? text.endsWith("\r\n0\r\n\r\n") : Buffer.byteLength(body) >= Number(length);
}

function read(text: string): RawAnswer {
	const [head = "", ...rest] = text.split("\r\n\r\n");
	const [line = "", ...lines] = head.split("\r\n");
	const headers: Record<string, string> = {};
	for (const each of lines) {
		const colon = each.indexOf(":");
		const name = each.slice(0, colon).toLowerCase();
		const value = each.slice(colon + 1).trim();
		headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
	}
	return { status: Number(line.split(" ")[1]), headers, body: rest.join("\r\n\r\n") };
}
