/**
 * One gzip stream from parts that were compressed each for itself, so that a scrape compresses nothing that has not changed.
 *
 * A part is deflated on its own and ended with a sync flush, which leaves it byte-aligned and not final; parts then
 * follow one another as they are. What is left is the header, an empty last block, and the checksum of the whole, which
 * is worked out from those of the parts. It is how pigz joins what its threads compressed.
 * Sources: RFC 1951 (deflate), RFC 1952 (gzip), zlib's `crc32_combine`.
 */
import { promisify } from "node:util";
import { constants, crc32, deflateRaw } from "node:zlib";

/** A part of a page. Compressed on first need, off the main thread, and kept so for as long as the part lives. */
export interface PagePart {
	readonly bytes: Buffer;
	deflated(): Promise<DeflatedPart>;
}

export interface DeflatedPart {
	readonly bytes: Buffer;
	readonly crc: number;
	/** Length before compression, in bytes. */
	readonly length: number;
}

export function createPagePart(bytes: Buffer): PagePart {
	let deflated: Promise<DeflatedPart> | undefined;
	return {
		bytes,
		deflated: () => (deflated ??= deflatePart(bytes)),
	};
}

/** The gzip stream of all parts, in order, as buffers to be written one after the other. */
export async function gzipParts(parts: readonly PagePart[]): Promise<readonly Buffer[]> {
	const deflated = await Promise.all(parts.map((part) => part.deflated()));
	let crc = 0;
	let length = 0;
	for (const part of deflated) {
		crc = combineCrc32(crc, part.crc, part.length);
		length += part.length;
	}
	const tail = Buffer.alloc(EMPTY_FINAL_BLOCK.length + 8);
	EMPTY_FINAL_BLOCK.copy(tail);
	tail.writeUInt32LE(crc, EMPTY_FINAL_BLOCK.length);
	// RFC 1952: ISIZE is the length modulo 2^32.
	tail.writeUInt32LE(length >>> 0, EMPTY_FINAL_BLOCK.length + 4);
	return [GZIP_HEADER, ...deflated.map(({ bytes }) => bytes), tail];
}

/** The CRC-32 of two texts in a row, from their checksums and the second one's length. */
export function combineCrc32(first: number, second: number, secondLength: number): number {
	return (multiply(powerOfX(secondLength * 8), first) ^ second) >>> 0;
}

const compress = promisify<Buffer, { level: number; finishFlush: number }, Buffer>(deflateRaw);

/** Exposition text repeats itself so much that the quickest level saves nearly as much as the others. */
const LEVEL = 1;
const GZIP_HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
const EMPTY_FINAL_BLOCK = Buffer.from([0x03, 0x00]);
/** The polynomial of CRC-32 with its bits reversed, as in RFC 1952; so x^0 is the highest bit. */
const POLYNOMIAL = 0xedb88320;
const X_TO_0 = 0x80000000;
const X_TO_1 = 0x40000000;

async function deflatePart(bytes: Buffer): Promise<DeflatedPart> {
	const deflated = await compress(bytes, { level: LEVEL, finishFlush: constants.Z_SYNC_FLUSH });
	return { bytes: deflated, crc: crc32(bytes), length: bytes.length };
}

/** x^n modulo the polynomial, by squaring. */
function powerOfX(exponent: number): number {
	let result = X_TO_0;
	let square = X_TO_1;
	for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
		if (rest % 2 === 1) result = multiply(square, result);
		square = multiply(square, square);
	}
	return result;
}

/** The product of two polynomials over GF(2), modulo CRC-32's. */
function multiply(one: number, other: number): number {
	let product = 0;
	let shifted = other;
	for (let bit = X_TO_0; bit !== 0; bit >>>= 1) {
		if ((one & bit) !== 0) product ^= shifted;
		shifted = (shifted & 1) === 0 ? shifted >>> 1 : (shifted >>> 1) ^ POLYNOMIAL;
	}
	return product >>> 0;
}
