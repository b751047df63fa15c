import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { MAX_LOG_LENGTH } from "../../../workers/wire/messages.ts";

export interface ProcessOutput {
	/** The end of what was written, whether or not it was passed on: where V8 says why it gave up. */
	tail(): string;
	/** Resolves when the stream has ended. */
	readonly ended: Promise<void>;
	/** Passes on what is left of a line and lets go of the stream. */
	close(): void;
}

/**
 * Reads the standard output or error of a module process as lines, so many bytes a second.
 *
 * What is over `PASSED_BYTES` in a second is dropped and counted, what is over `READ_BYTES` is left in the pipe, where
 * it makes the process wait: either way a flood costs main a known part of its time.
 */
export function readProcessOutput(stream: Readable, onLine: (line: string) => void): ProcessOutput {
	const ended = Promise.withResolvers<void>();
	const decoder = new StringDecoder("utf8");
	let tail: Buffer = Buffer.alloc(0);
	let line = "";
	let read = 0;
	let dropped = 0;
	let closed = false;
	let second: NodeJS.Timeout | undefined;

	stream.on("error", () => ended.resolve());
	stream.on("close", () => ended.resolve());
	stream.on("data", (chunk: Buffer) => {
		// Begins with the first byte: a process that says nothing has no timer.
		second ??= setTimeout(nextSecond, 1000);
		tail = keepTail(tail, chunk);
		const passed = chunk.subarray(0, Math.max(0, PASSED_BYTES - read));
		read += chunk.length;
		dropped += chunk.length - passed.length;
		take(decoder.write(passed));
		if (read >= READ_BYTES) stream.pause();
	});

	function nextSecond(): void {
		second = undefined;
		read = 0;
		sayDropped();
		stream.resume();
	}

	function take(text: string): void {
		const lines = text.split("\n");
		lines[0] = line + (lines[0] ?? "");
		line = lines.pop() ?? "";
		for (const whole of lines) pass(whole);
		for (; line.length > MAX_LINE_LENGTH; line = line.slice(MAX_LINE_LENGTH)) pass(line.slice(0, MAX_LINE_LENGTH));
	}

	function pass(text: string): void {
		if (text !== "") onLine(text.slice(0, MAX_LINE_LENGTH));
	}

	function sayDropped(): void {
		if (dropped === 0) return;
		onLine(`(${dropped} bytes of output were dropped: more than ${PASSED_BYTES} a second)`);
		dropped = 0;
	}

	return {
		ended: ended.promise,
		tail: () => tail.toString("utf8"),
		close() {
			if (closed) return;
			closed = true;
			clearTimeout(second);
			stream.removeAllListeners("data");
			stream.destroy();
			pass(line);
			sayDropped();
		},
	};
}

const PASSED_BYTES = 64 * 1024;
const READ_BYTES = 4 * 1024 * 1024;
/** As of a line that leaves a worker over its port. */
const MAX_LINE_LENGTH = MAX_LOG_LENGTH;
/** The fatal error of V8 is followed by a native and a JavaScript stack of some kilobytes. */
const TAIL_BYTES = 16 * 1024;

function keepTail(tail: Buffer, chunk: Buffer): Buffer {
	if (chunk.length >= TAIL_BYTES) return Buffer.from(chunk.subarray(-TAIL_BYTES));
	return Buffer.concat([tail, chunk]).subarray(-TAIL_BYTES);
}
