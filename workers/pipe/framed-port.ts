import { writeSync } from "node:fs";
import { Socket } from "node:net";
import { createFrameReader, encodeFrame, type FrameLimits, PROCESS_WIRE } from "./frame.ts";
import { createList, lengthOf } from "../primordials/primordials.ts";
import type { Port } from "../wire/port.ts";

export interface FramedPortOptions {
	/** What the host writes arrives here. */
	readonly readFd: number;
	/** Must block: nothing in this process may have opened it as a stream. */
	readonly writeFd: number;
	/** What may be sent. Longer is refused here, with an error to who sends, and ends the process when it gets out. */
	readonly limits: FrameLimits;
	/** The host is gone, or has closed the pipe. */
	readonly onHostGone: () => void;
}

/**
 * A module process's end of the pipe.
 *
 * It writes synchronously. A module that sends faster than the host reads is slowed down by the pipe itself and nothing
 * piles up in its memory, and what was sent just before a `process.exit()` or a crash arrives. The host never waits for
 * this process to read (it queues up to a limit, then ends it), so the two cannot wait for each other.
 *
 * Reading begins with the first listener, since a socket that nobody listens to would lose what comes.
 */
export function createFramedPort({ readFd, writeFd, limits, onHostGone }: FramedPortOptions): Port {
	const input = new Socket({ fd: readFd, readable: true, writable: false });
	const reader = createFrameReader(PROCESS_WIRE.toProcess);
	const listeners = createList<(message: unknown) => void>();
	input.on("error", onHostGone);
	input.on("close", onHostGone);

	function receive(chunk: Uint8Array): void {
		reader.push(chunk);
		for (let next = reader.next(); next !== undefined; next = reader.next()) {
			for (let at = 0; at < listeners.length; at++) listeners[at]?.(next.message);
		}
	}

	return {
		postMessage(message) {
			const pieces = encodeFrame(message, limits);
			for (let at = 0; at < pieces.length; at++) writeWhole(writeFd, pieces[at] as Uint8Array, onHostGone);
		},
		on(_event, listener) {
			listeners[listeners.length] = listener;
			if (listeners.length === 1) input.on("data", receive);
		},
		close() {
			input.destroy();
		},
	};
}

// The module could replace the function that an import names (`syncBuiltinESMExports`), and read along.
const write = writeSync;

function writeWhole(fd: number, bytes: Uint8Array, onHostGone: () => void): void {
	for (let written = 0; written < lengthOf(bytes); ) {
		try {
			written += write(fd, bytes, written);
		} catch {
			return onHostGone(); // EPIPE
		}
	}
}
