/** Turns many short texts into one buffer of UTF-8, with few calls across the native border. */
export interface ByteWriter {
	write(text: string): void;
	/** How many bytes were written. */
	position(): number;
	/** All of it, in a buffer of exactly that size. Nothing can be written afterwards. */
	bytes(): Buffer<ArrayBuffer>;
}

export function createByteWriter(): ByteWriter {
	let buffer = SCRATCH.pop() ?? Buffer.allocUnsafeSlow(SCRATCH_BYTES);
	let length = 0;
	let pending = "";

	return {
		write(text) {
			pending += text;
			if (pending.length > FLUSH_CHARS) flush();
		},
		position() {
			flush();
			return length;
		},
		bytes() {
			flush();
			const exact = Buffer.allocUnsafeSlow(length);
			buffer.copy(exact, 0, 0, length);
			if (buffer.length <= MAX_SCRATCH_BYTES && SCRATCH.length < MAX_SCRATCH) SCRATCH.push(buffer);
			buffer = EMPTY;
			return exact;
		},
	};

	function flush(): void {
		const most = pending.length * MAX_BYTES_PER_CHAR;
		if (length + most > buffer.length) {
			const grown = Buffer.allocUnsafeSlow(Math.max(buffer.length * 2, length + most));
			buffer.copy(grown, 0, 0, length);
			buffer = grown;
		}
		length += buffer.write(pending, length, "utf8");
		pending = "";
	}
}

/**
 * What writers wrote into, for the next ones: memory outside of V8's heap that is thrown away at once makes V8 collect
 * the heap again and again, for the host writes some of its families for every scrape.
 */
const SCRATCH: Buffer[] = [];
const SCRATCH_BYTES = 64 * 1024;
const MAX_SCRATCH_BYTES = 1024 * 1024;
const MAX_SCRATCH = 4;
const EMPTY = Buffer.alloc(0);
const FLUSH_CHARS = 16 * 1024;
const MAX_BYTES_PER_CHAR = 3;
