/** An HTTP/1.1 connection that counts what comes, and keeps nothing of it. */
import { once } from "node:events";
import { connect, type NetConnectOpts } from "node:net";

export interface RawConnection {
	/** Sends a request and resolves with the length of the answer's body; rejects unless it is a 200 with a length. */
	exchange(request: string): Promise<number>;
	/** False when the server has closed it, as it does with one that was idle for a few seconds. */
	isOpen(): boolean;
	close(): void;
}

export async function connectRaw(port: number): Promise<RawConnection> {
	let expected: number | undefined;
	let length = 0;
	let received = 0;
	let head = "";
	let settle: { resolve(bytes: number): void; reject(error: Error): void } | undefined;
	const buffer = Buffer.allocUnsafe(READ_BYTES);
	const options: NetConnectOpts = {
		port,
		host: "127.0.0.1",
		onread: {
			buffer,
			callback(size) {
				received += size;
				if (expected === undefined) readHead(buffer.toString("latin1", 0, size));
				if (expected !== undefined && received >= expected) settle?.resolve(length);
				return true;
			},
		},
	};
	const socket = connect(options);
	socket.on("error", (error) => settle?.reject(error));
	socket.on("close", () => settle?.reject(new Error("the server closed the connection")));
	await once(socket, "connect");

	return {
		exchange(request) {
			expected = undefined;
			received = 0;
			head = "";
			return new Promise((resolve, reject) => {
				if (socket.closed) return reject(new Error("the server has closed the connection"));
				settle = { resolve, reject };
				socket.write(request);
			});
		},
		isOpen: () => !socket.destroyed && socket.readyState === "open",
		close: () => void socket.destroy(),
	};

	function readHead(chunk: string): void {
		head += chunk;
		const end = head.indexOf("\r\n\r\n");
		if (end === -1) return;
		const text = /^content-length: (\d+)$/im.exec(head.slice(0, end))?.[1];
		if (!head.startsWith("HTTP/1.1 200 ") || text === undefined) return settle?.reject(new Error(head.slice(0, end)));
		length = Number(text);
		expected = end + 4 + length;
	}
}

/** As much as stays in a processor's cache: with a megabyte, reading the page takes a fifth longer. */
const READ_BYTES = 256 * 1024;
