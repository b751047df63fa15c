/** Turns many short texts into one buffer of UTF-8, with few calls across the native border. */
export interface ByteWriter {
	write(text: string): void;
	/** How many bytes were written. */
	position(): number;
	/** All of it, in a buffer of exactly that size. */
	bytes(): Buffer;
}

export function createByteWriter(): ByteWriter {
	let buffer = Buffer.allocUnsafeSlow(FIRST_SIZE_BYTES);
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

const FIRST_SIZE_BYTES = 4096;
const FLUSH_CHARS = 16 * 1024;
const MAX_BYTES_PER_CHAR = 3;
