import {
	allocUnsafe,
	bufferFrom,
	create,
	createList,
	isArray,
	isUint8Array,
	keys,
	lengthOf,
	parse,
	setBytes,
	stringify,
} from "../primordials/primordials.ts";
import { isRecord } from "../wire/json.ts";

/**
 * Messages as bytes on a pipe, for a module that runs in a process of its own.
 *
 *     frame:  mark (2 bytes), place (1), length of the head (4), length of the body (4), head, body
 *     head:   the message as JSON, without its body
 *     body:   the one part of the message that may be long, as it is: its place says where in the message it belongs
 *
 * The body keeps the head short whatever a module returns, so that what is parsed in main has a small limit, and lets a
 * snapshot travel as the bytes it is. Its reader believes nothing: a length is compared with its limit before anything
 * is allocated, and the worst that wrong bytes can do is to end in a `FrameError`.
 */
export interface FrameLimits {
	/** Bytes of JSON in one frame. */
	readonly maxHeadBytes: number;
	/** Bytes of the long part of one frame. */
	readonly maxBodyBytes: number;
}

/** What a module process and the host agree on beside the protocol. */
export const PROCESS_WIRE = {
	/** Descriptors of the process. Two pipes, since reading must not block and writing must. */
	toProcessFd: 3,
	toHostFd: 4,
	/** Longest head that leaves a process: an error with its stack, both at `MAX_ERROR_TEXT`, each character escaped. */
	maxHeadBytes: 64 * 1024,
	/** Longest message that enters one: the arguments of a call, which main has limited where they came in. */
	toProcess: { maxHeadBytes: 64 * 1024 * 1024, maxBodyBytes: 64 * 1024 * 1024 },
	/** Type of a message to which the process replies in kind, as soon as its event loop turns. */
	beat: "beat",
	/** Type of the message that says what nobody caught. It is about the process, and no part of the protocol. */
	threw: "threw",
} as const;

/** The reply to a beat: `{type, idleMs}`, how long the event loop has waited for work since it began. */
export function isBeat(message: unknown): message is { readonly type: string; readonly idleMs?: unknown } {
	return isRecord(message) && message["type"] === PROCESS_WIRE.beat;
}

/** The bytes, or the message to be sent, are against the format. The message completes "the process …". */
export class FrameError extends Error {
	override readonly name = "FrameError";
}

/**
 * One message as a frame.
 * @throws {FrameError} when it is over the limits
 * @throws {TypeError} when it is not data
 */
export function encodeFrame(message: unknown, limits: FrameLimits): readonly Uint8Array[] {
	const { place, rest, body } = takeOut(message);
	const json = stringify(bare(rest)) as string | undefined;
	if (json === undefined) throw new FrameError("sent a message that is not data");
	const head = bufferFrom(json);
	const tail = typeof body === "string" ? bufferFrom(body) : body;
	const headBytes = lengthOf(head);
	const tailBytes = lengthOf(tail);
	checkLengths(headBytes, tailBytes, limits);
	// A short frame in one piece: one system call, and one packet for who reads it.
	const isShort = PREAMBLE_BYTES + headBytes + tailBytes <= COPY_BYTES;
	const frame = allocUnsafe(PREAMBLE_BYTES + (isShort ? headBytes + tailBytes : 0));
	frame[0] = MARK >> 8;
	frame[1] = MARK & 0xff;
	frame[2] = NUMBERS[place];
	writeUint32(frame, 3, headBytes);
	writeUint32(frame, 7, tailBytes);
	if (!isShort) return [frame, head, tail];
	setBytes(frame, head, PREAMBLE_BYTES);
	setBytes(frame, tail, PREAMBLE_BYTES + headBytes);
	return [frame];
}

/** Turns chunks of a stream back into messages, one at a time, so that its owner decides when to do the next. */
export interface FrameReader {
	/** Takes the next chunk; only when `next` has found no more in the one before. */
	push(chunk: Uint8Array): void;
	/**
	 * The next whole message, with its size in bytes; undefined when more bytes are needed.
	 * @throws {FrameError} and is of no use any more
	 */
	next(): { readonly message: unknown; readonly bytes: number } | undefined;
}

export function createFrameReader(limits: FrameLimits): FrameReader {
	let chunk: Uint8Array = EMPTY;
	let offset = 0;
	const preamble = Buffer.alloc(PREAMBLE_BYTES);
	let preambleFilled = 0;
	let frame: { readonly place: Place; readonly headBytes: number; readonly content: Buffer } | undefined;
	let contentFilled = 0;

	/** Copies what there is, and what fits, of the chunk. Returns how far the target is filled now. */
	function fill(target: Buffer, filled: number): number {
		const taken = chunk.subarray(offset, offset + target.length - filled);
		target.set(taken, filled);
		offset += taken.length;
		return filled + taken.length;
	}

	return {
		push(next) {
			chunk = next;
			offset = 0;
		},
		next() {
			if (frame === undefined) {
				preambleFilled = fill(preamble, preambleFilled);
				if (preambleFilled < PREAMBLE_BYTES) return undefined;
				frame = readPreamble(preamble, limits);
				contentFilled = 0;
			}
			contentFilled = fill(frame.content, contentFilled);
			if (contentFilled < frame.content.length) return undefined;
			const { place, headBytes, content } = frame;
			frame = undefined;
			preambleFilled = 0;
			const message = putBack(readHead(content.subarray(0, headBytes)), place, content.subarray(headBytes));
			return { message, bytes: PREAMBLE_BYTES + content.length };
		},
	};
}

/** Where in a message its body belongs. The position in this list is what a frame says. */
const PLACES = ["nowhere", "snapshot", "answer", "catalog", "json"] as const;
type Place = (typeof PLACES)[number];
const NUMBERS: Readonly<Record<Place, number>> = { nowhere: 0, snapshot: 1, answer: 2, catalog: 3, json: 4 };
/** The fields of a result that may be long. */
const RESULT_FIELDS = { snapshot: "snapshot", answer: "json", catalog: "catalog" } as const;

const EMPTY = new Uint8Array(0);
const MARK = 0xb1d5;
const PREAMBLE_BYTES = 11;
const COPY_BYTES = 16 * 1024;

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
	for (let index = 0; index < 4; index++) bytes[at + index] = (value >>> (24 - 8 * index)) & 0xff;
}

/** The same data without prototypes, where a module may have put a `toJSON`. */
function bare(value: unknown): unknown {
	if (typeof value !== "object" || value === null) return value;
	const copy = (isArray(value) ? createList() : create(null)) as Record<string, unknown>;
	const names = keys(value);
	for (let index = 0; index < names.length; index++) {
		const name = names[index] as string;
		copy[name] = bare((value as Readonly<Record<string, unknown>>)[name]);
	}
	return copy;
}

function takeOut(message: unknown): {
	readonly place: Place;
	readonly rest: unknown;
	readonly body: Uint8Array | string;
} {
	if (isRecord(message)) {
		const { type, result, json } = message;
		if (type === "done" && isRecord(result)) {
			for (let at = 1; at <= NUMBERS.catalog; at++) {
				const place = PLACES[at] as keyof typeof RESULT_FIELDS;
				const field = RESULT_FIELDS[place];
				const body = result[field];
				const found = place === "snapshot" ? isUint8Array(body) : typeof body === "string";
				if (!found) continue;
				return {
					place,
					rest: { ...message, result: { ...result, [field]: undefined } },
					body: body as Uint8Array | string,
				};
			}
		}
		if (typeof json === "string") return { place: "json", rest: { ...message, json: undefined }, body: json };
	}
	return { place: "nowhere", rest: message, body: EMPTY };
}

function putBack(head: unknown, place: Place, body: Buffer): unknown {
	if (place === "nowhere") return head;
	if (!isRecord(head)) throw new FrameError(WRONG_BYTES);
	if (place === "json") return { ...head, json: body.toString("utf8") };
	const result = head["result"];
	if (!isRecord(result)) throw new FrameError(WRONG_BYTES);
	const value =
		place === "snapshot" ? new Uint8Array(body.buffer, body.byteOffset, body.length) : body.toString("utf8");
	return { ...head, result: { ...result, [RESULT_FIELDS[place]]: value } };
}

function readPreamble(
	preamble: Buffer,
	limits: FrameLimits,
): { readonly place: Place; readonly headBytes: number; readonly content: Buffer } {
	const place = PLACES[preamble.readUInt8(2)];
	if (preamble.readUInt16BE(0) !== MARK || place === undefined) throw new FrameError(WRONG_BYTES);
	const headBytes = preamble.readUInt32BE(3);
	const bodyBytes = preamble.readUInt32BE(7);
	checkLengths(headBytes, bodyBytes, limits);
	if (place === "nowhere" && bodyBytes > 0) throw new FrameError(WRONG_BYTES);
	// Of the frame's own, so that a snapshot that is kept does not keep its neighbours. Not zeroed: memory that is
	// announced and never sent is never touched.
	return { place, headBytes, content: Buffer.allocUnsafeSlow(headBytes + bodyBytes) };
}

function readHead(bytes: Buffer): unknown {
	try {
		return parse(bytes.toString("utf8"));
	} catch {
		throw new FrameError(WRONG_BYTES);
	}
}

function checkLengths(headBytes: number, bodyBytes: number, limits: FrameLimits): void {
	if (headBytes > limits.maxHeadBytes) {
		throw new FrameError(`sent a message of ${headBytes} bytes; ${limits.maxHeadBytes} are allowed`);
	}
	if (bodyBytes > limits.maxBodyBytes) {
		throw new FrameError(`sent a result of ${bodyBytes} bytes; ${limits.maxBodyBytes} are allowed`);
	}
}

const WRONG_BYTES = "wrote bytes to its pipe that are no message";
