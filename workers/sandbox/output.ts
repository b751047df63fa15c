import process from "node:process";
import { Readable, Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { lockValue } from "./denial.ts";
import type { OutputSink } from "./files.ts";
import {
	byteLength,
	immediate as defer,
	indexOf,
	min,
	now as monotonicNow,
	slice,
	stringify,
} from "../primordials/primordials.ts";

export type OutputStream = "stdout" | "stderr";

export interface OutputOptions {
	/** Takes one line, without its end. Must not throw. */
	readonly onOutput: (stream: OutputStream, line: string) => void;
	readonly quota?: OutputQuota;
	/** Milliseconds; a test passes its own. */
	readonly now?: () => number;
}

/** In bytes as they are written to the log; each line counts a few more than it has, since it costs a message. */
export interface OutputQuota {
	readonly perSecond: number;
	/** What may come at once after a silence. */
	readonly burst: number;
}

const OUTPUT_QUOTA = { perSecond: 64 * 1024, burst: 256 * 1024 } as const satisfies OutputQuota;
/** Longest line that is passed on, in characters; as `MAX_LOG_LENGTH` of the protocol. */
export const MAX_OUTPUT_LINE = 8192;

/** Lines under a quota that both streams share. What is over it is dropped, and a line says so. */
export interface Output {
	write(stream: OutputStream, text: string): void;
}

export function createOutput({ onOutput, quota = OUTPUT_QUOTA, now = monotonicNow }: OutputOptions): Output {
	let left: number = quota.burst;
	let refilledAt = now();
	let dropped = 0;
	const rests = { stdout: "", stderr: "" };
	let flushing = false;

	function send(stream: OutputStream, line: string): void {
		const at = now();
		left = min(quota.burst, left + ((at - refilledAt) * quota.perSecond) / 1000);
		refilledAt = at;
		const cut = slice(line, 0, MAX_OUTPUT_LINE);
		// As written to the log, where a control character takes six bytes.
		const cost = byteLength(stringify(cut)) - QUOTES + LINE_COST;
		// Once it drops it does so for a while, or the log would be half notices.
		if (cost > left || (dropped > 0 && left < quota.burst / 2)) {
			if (dropped === 0) {
				onOutput("stderr", `more output than the ${quota.perSecond} bytes a second allowed: the rest is dropped`);
			}
			dropped++;
			return;
		}
		left -= cost;
		if (dropped > 0) onOutput("stderr", `${dropped} lines of output were dropped`);
		dropped = 0;
		onOutput(stream, cut);
	}

	function flush(): void {
		flushing = false;
		for (const stream of STREAMS) {
			const rest = rests[stream];
			rests[stream] = "";
			if (rest !== "") send(stream, rest);
		}
	}

	return {
		write(stream, text) {
			let rest = rests[stream] + text;
			for (let end = indexOf(rest, "\n"); end !== -1; end = indexOf(rest, "\n")) {
				send(stream, slice(rest, 0, end));
				rest = slice(rest, end + 1);
			}
			// What comes without an end is kept for what follows it in this turn of the event loop.
			if (rest.length > MAX_OUTPUT_LINE) {
				send(stream, rest);
				rest = "";
			}
			rests[stream] = rest;
			if (rest === "" || flushing) return;
			flushing = true;
			defer(flush);
		},
	};
}

/** What a line costs beside its characters. */
const LINE_COST = 32;
const QUOTES = 2;
const STREAMS = ["stdout", "stderr"] as const satisfies readonly OutputStream[];

/**
 * Puts plain streams in the place of the process's own. A worker's hold Node's internal port to the main thread, which
 * throws there at anything unexpected; and what is written to them piles up in main without limit.
 *
 * @returns where writes to the descriptors 1 and 2 belong
 */
export function replaceStdio(output: Output): OutputSink {
	const streams = { stdout: createStream("stdout", output), stderr: createStream("stderr", output) };
	for (const name of STREAMS) {
		keepNodeCallback(process[name], streams[name]);
		lockValue(process, name, streams[name]);
		// The console has looked it up already if anything was logged before.
		lockValue(console, `_${name}`, streams[name]);
	}
	lockValue(process, "stdin", Readable.from([]));
	return (descriptor, text) => void streams[descriptor === 1 ? "stdout" : "stderr"].write(text);
}

function createStream(name: OutputStream, output: Output): Writable {
	const decoder = new StringDecoder("utf8");
	return new Writable({
		decodeStrings: false,
		write(chunk: string | Buffer, _encoding, done) {
			output.write(name, typeof chunk === "string" ? chunk : decoder.write(chunk));
			done();
		},
	});
}

/** Node calls this method of whatever `process.stdout` is when main reads on, and the thread dies where it is missing. */
function keepNodeCallback(real: object, stream: object): void {
	for (let each: object | null = real; each !== null; each = Object.getPrototypeOf(each) as object | null) {
		for (const symbol of Object.getOwnPropertySymbols(each)) {
			if (symbol.description !== "kStdioWantsMoreDataCallback") continue;
			Object.defineProperty(stream, symbol, { value: () => undefined, configurable: true });
		}
	}
}
