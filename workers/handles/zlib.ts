import {
	apply,
	byteLengthOf,
	getBuiltin,
	getOwnPropertyDescriptor,
	getPrototypeOf,
	isInt32,
	isUint32,
	isView,
	NativeWeakMap,
	weakGet,
	weakSet,
} from "../primordials/primordials.ts";
import { guardNative, type HandleRefusals, misuse, type Native, put } from "./checked-methods.ts";

/** What native code takes for granted about a stream, and asks for with an assertion. */
interface StreamState {
	isWriting: boolean;
	isClosed: boolean;
	/** Where native code writes how far it came. It does so by address, so it is no memory that a module can give away. */
	readonly progress: Uint32Array;
	/** The same for Node's own code. */
	readonly shown: Uint32Array;
}

/**
 * The streams of zlib, Brotli and Zstandard. Their native objects are initialised once, by Node, do one thing at a time,
 * and nothing after they were closed.
 */
export function guardZlib(denials: HandleRefusals): void {
	const states = new NativeWeakMap<object, StreamState>();
	const zlib = getBuiltin("node:zlib");
	const streams: readonly (readonly [stream: object, lastFlush: number])[] = [
		[zlib.createDeflateRaw(SMALL), zlib.constants.Z_BLOCK],
		[zlib.createBrotliCompress(), zlib.constants.BROTLI_OPERATION_EMIT_METADATA],
		[zlib.createBrotliDecompress(), zlib.constants.BROTLI_OPERATION_EMIT_METADATA],
		[zlib.createZstdCompress(), zlib.constants.ZSTD_e_end],
		[zlib.createZstdDecompress(), zlib.constants.ZSTD_e_end],
	];
	for (const [stream, lastFlush] of streams) {
		const { _handle: handle } = stream as { readonly _handle: object & { close(): void } };
		handle.close();
		guardStream(getPrototypeOf(handle) as object, lastFlush, states, denials);
		guardNative(handle, "Zlib", denials);
	}
}

/** What a stream takes of memory before it is used. */
const SMALL = { windowBits: 9, memLevel: 1 };

function guardStream(
	prototype: object,
	lastFlush: number,
	states: WeakMap<object, StreamState>,
	denials: HandleRefusals,
): void {
	const original = (name: string): Native => getOwnPropertyDescriptor(prototype, name)?.value as Native;
	const [init, write, writeSync] = [original("init"), original("write"), original("writeSync")];
	const [params, reset, close] = [original("params"), original("reset"), original("close")];

	function idle(handle: unknown, name: string): StreamState {
		const state = typeof handle === "object" && handle !== null ? weakGet(states, handle) : undefined;
		if (state === undefined || state.isWriting || state.isClosed) throw misuse(`Zlib.${name}`, denials);
		return state;
	}

	put(prototype, "init", function guardedInit(this: object, ...args: unknown[]) {
		const at = progressIn(args);
		if (weakGet(states, this) !== undefined || at === -1) throw misuse("Zlib.init", denials);
		const shown = args[at] as Uint32Array;
		const onProgress = args[at + 1] as Native;
		const state: StreamState = { isWriting: false, isClosed: false, progress: new Progress(2), shown };
		args[at] = state.progress;
		args[at + 1] = function done(this: unknown): unknown {
			state.isWriting = false;
			show(state);
			return apply(onProgress, this, []);
		};
		const result = apply(init, this, args);
		weakSet(states, this, state);
		return result;
	});
	put(prototype, "write", function guardedWrite(this: object, ...args: unknown[]) {
		const state = idle(this, "write");
		if (!isWrite(args, lastFlush)) throw misuse("Zlib.write", denials);
		state.isWriting = true;
		return apply(write, this, args);
	});
	put(prototype, "writeSync", function guardedWriteSync(this: object, ...args: unknown[]) {
		const state = idle(this, "writeSync");
		if (!isWrite(args, lastFlush)) throw misuse("Zlib.writeSync", denials);
		state.isWriting = true;
		try {
			return apply(writeSync, this, args);
		} finally {
			state.isWriting = false;
			show(state);
		}
	});
	put(prototype, "params", function guardedParams(this: object, level: unknown, strategy: unknown) {
		idle(this, "params");
		if (!isInt32(level) || !isInt32(strategy)) throw misuse("Zlib.params", denials);
		return apply(params, this, [level, strategy]);
	});
	put(prototype, "reset", function guardedReset(this: object) {
		idle(this, "reset");
		return apply(reset, this, []);
	});
	// While it writes, native code closes it afterwards.
	put(prototype, "close", function guardedClose(this: object) {
		const state = weakGet(states, this);
		if (state !== undefined) state.isClosed = true;
		return apply(close, this, []);
	});
}

const Progress = Uint32Array;

/** Where among the arguments of `init` the two numbers lie, before the function that is called when there are new ones. */
function progressIn(args: readonly unknown[]): number {
	for (let index = 0; index + 1 < args.length; index++) {
		const value = args[index];
		if (typeof args[index + 1] === "function" && isView(value) && byteLengthOf(value) === 8) return index;
	}
	return -1;
}

function show({ progress, shown }: StreamState): void {
	shown[0] = progress[0] as number;
	shown[1] = progress[1] as number;
}

/** flush, input, where it begins, its length, output, where it begins, its length. */
function isWrite(args: readonly unknown[], lastFlush: number): boolean {
	return (
		args.length === 7 &&
		isUint32(args[0]) &&
		args[0] <= lastFlush &&
		isPart(args, 1) &&
		args[4] !== null &&
		isPart(args, 4)
	);
}

function isPart(args: readonly unknown[], at: number): boolean {
	const view = args[at];
	const offset = args[at + 1];
	const length = args[at + 2];
	if (!isUint32(offset) || !isUint32(length)) return false;
	const available = view === null ? 0 : isView(view) ? byteLengthOf(view) : -1;
	return offset + length <= available;
}
