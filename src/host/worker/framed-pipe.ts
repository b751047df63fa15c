import type { Readable, Writable } from "node:stream";
import {
	createFrameReader,
	encodeFrame,
	FrameError,
	type FrameLimits,
	PROCESS_WIRE,
} from "../../../workers/pipe/frame.ts";
import { createFloodGauge, DEFAULT_FLOOD_LIMITS, type FloodLimits } from "./flood-limiter.ts";
import type { Port } from "../../../workers/wire/port.ts";

export interface FramedPipeOptions {
	/** From the process. */
	readonly input: Readable;
	/** To the process. */
	readonly output: Writable;
	/** What one message of the process may be long. */
	readonly limits: FrameLimits;
	/**
	 * The process has broken the rules of the pipe and must be ended. Called once at most.
	 * @param what completes "the process …"
	 */
	readonly onBroken: (what: string) => void;
	readonly flood?: FloodLimits;
	/** Bytes that may wait for the process to read them. */
	readonly maxQueuedBytes?: number;
}

export interface FramedPipe extends Port {
	/** Resolves when everything that the process has sent has been read, or the pipe was closed. */
	readonly drained: Promise<void>;
}

/**
 * The host's end of the pipe to a module process, which believes nothing that comes out of it.
 *
 * Messages are read in slices, so that a process that sends as fast as it can takes main a few milliseconds at a time and
 * is read more slowly the longer it does so. What is waiting in either direction is bounded; past a bound `onBroken` is
 * called, and nothing is delivered any more.
 */
export function createFramedPipe(options: FramedPipeOptions): FramedPipe {
	const { input, output, limits } = options;
	const maxQueuedBytes = options.maxQueuedBytes ?? MAX_QUEUED_BYTES;
	const reader = createFrameReader(limits);
	const gauge = createFloodGauge(options.flood ?? DEFAULT_FLOOD_LIMITS, () => performance.now());
	const listeners: ((message: unknown) => void)[] = [];
	const drained = Promise.withResolvers<void>();
	let closed = false;
	let ended = false;
	/** A slice is being read, or waits for its turn; meanwhile the stream is paused. */
	let next: { readonly timer?: NodeJS.Timeout; readonly immediate?: NodeJS.Immediate } | undefined;

	// The end of the process is known from the process itself; these only say that the pipe went with it.
	input.on("error", end);
	output.on("error", () => undefined);
	input.on("end", end);
	input.on("close", end);
	input.on("data", (chunk: Uint8Array) => {
		if (closed) return;
		input.pause();
		reader.push(chunk);
		readSlice();
	});

	function end(): void {
		ended = true;
		if (next === undefined) drained.resolve();
	}

	function readSlice(): void {
		next = undefined;
		const stopAt = performance.now() + SLICE_MS;
		try {
			do {
				const verdict = gauge.verdict();
				if (verdict === "flood") return broken("sent more than it was asked for, for too long; send less");
				if (!verdict.read) {
					next = { timer: setTimeout(readSlice, verdict.waitMs) };
					return;
				}
				const frame = reader.next();
				if (frame === undefined) {
					input.resume();
					if (ended) drained.resolve();
					return;
				}
				gauge.received(frame.bytes);
				for (const listener of listeners) listener(frame.message);
				if (closed) return; // by a listener
			} while (performance.now() < stopAt);
		} catch (error) {
			if (!(error instanceof FrameError)) throw error;
			return broken(error.message);
		}
		next = { immediate: setImmediate(readSlice) };
	}

	function broken(what: string): void {
		if (closed) return;
		close();
		options.onBroken(what);
	}

	function close(): void {
		closed = true;
		clearTimeout(next?.timer);
		clearImmediate(next?.immediate);
		next = undefined;
		input.destroy();
		output.destroy();
		drained.resolve();
	}

	return {
		drained: drained.promise,
		postMessage(message) {
			if (closed || output.destroyed) return; // as a closed MessagePort does
			const pieces = encodeFrame(message, PROCESS_WIRE.toProcess);
			const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
			// One message is always taken, however long.
			if (output.writableLength > 0 && output.writableLength + bytes > maxQueuedBytes) {
				return broken(`does not read: ${output.writableLength} bytes wait for it`);
			}
			for (const piece of pieces) output.write(piece);
			gauge.asked();
		},
		on(_event, listener) {
			listeners.push(listener);
		},
		close,
	};
}

/** How long main reads for one process before everybody else has a turn. */
const SLICE_MS = 2;
const MAX_QUEUED_BYTES = 32 * 1024 * 1024;
