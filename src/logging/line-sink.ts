import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";

/**
 * Writes lines to a file descriptor, at once and in order, without ever making the caller wait for a reader or throwing.
 *
 * Synchronous, because libuv's thread pool is shared with the modules: one that blocks it would hold back the very lines
 * that say so. Not blocking, because whoever reads the log (a container runtime, `less`) may stop reading, and a full pipe
 * would then stop the server. What cannot be written waits in memory up to a limit; beyond that, lines are dropped.
 */
export interface LineSink {
	/** @param line ends in a newline */
	write(line: string): void;
	/** Tries once more, for a moment, to write what waits. For just before the process ends. */
	flush(): void;
	/** Flushes; later lines are ignored. The descriptor itself stays open: it is the caller's. */
	close(): void;
}

/** @param onDropped called with the number of lines lost since the last call, as soon as lines can be written again */
export function createLineSink(fd: number, onDropped: (lines: number) => void): LineSink {
	const target = withoutBlocking(fd);
	const queue: Buffer[] = [];
	let queuedBytes = 0;
	let dropped = 0;
	let retry: NodeJS.Timeout | undefined;
	let closed = false;
	return { write, flush, close };

	function write(line: string): void {
		if (closed) return;
		const bytes = Buffer.from(line);
		if (queue.length > 0 && queuedBytes + bytes.length > MAX_QUEUED_BYTES) {
			dropped++;
			return;
		}
		queue.push(bytes);
		queuedBytes += bytes.length;
		if (retry === undefined) drain();
	}

	function drain(): void {
		clearTimeout(retry);
		retry = undefined;
		let written = 0;
		for (let next = queue[0]; next !== undefined; next = queue[0]) {
			try {
				written = writeSync(target, next);
			} catch (error) {
				if ((error as NodeJS.ErrnoException).code === "EAGAIN") {
					retry = setTimeout(drain, RETRY_MS).unref();
					return;
				}
				// Nobody will ever read it (EPIPE), or the disk is full: that costs the line.
				dropped++;
				written = 0;
				queuedBytes -= next.length;
				queue.shift();
				continue;
			}
			queuedBytes -= written;
			if (written === next.length) queue.shift();
			else queue[0] = next.subarray(written);
		}
		// Only after a success: the notice is a line itself.
		if (dropped > 0 && written > 0) {
			const lines = dropped;
			dropped = 0;
			onDropped(lines);
		}
	}

	function flush(): void {
		if (closed) return;
		const deadline = performance.now() + FLUSH_PATIENCE_MS;
		while (queue.length > 0) {
			drain();
			if (queue.length === 0 || performance.now() >= deadline) return;
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FLUSH_PAUSE_MS);
		}
	}

	function close(): void {
		if (closed) return;
		flush();
		closed = true;
		clearTimeout(retry);
		if (target !== fd) closeSync(target);
	}
}

const MAX_QUEUED_BYTES = 1_048_576;
const RETRY_MS = 50;
const FLUSH_PATIENCE_MS = 200;
const FLUSH_PAUSE_MS = 5;

/**
 * A pipe or terminal is opened once more for ourselves: O_NONBLOCK set on the descriptor as it was inherited would hold for
 * every process that shares it. Works on Linux; elsewhere, and for a socket, the descriptor is used as it is.
 */
function withoutBlocking(fd: number): number {
	try {
		const stat = fstatSync(fd);
		if (!stat.isFIFO() && !stat.isCharacterDevice()) return fd;
		return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
	} catch {
		return fd;
	}
}
