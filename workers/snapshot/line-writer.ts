/** Writes the lines of a snapshot into one buffer, and stops at its limits. */
import type { SnapshotLimits } from "./limits.ts";

export class SnapshotWriter {
	samples = 0;
	overflowed = false;
	readonly #limits: SnapshotLimits;
	#entries = 0;
	#buffer = new Uint8Array(16 * 1024);
	#length = 0;
	#line = "";
	#onLine = 0;

	constructor(limits: SnapshotLimits) {
		this.#limits = limits;
	}

	line(text: string): void {
		if (!this.#count()) return;
		this.#append(`${text}\n`);
	}

	sample(text: string): void {
		if (!this.#count()) return;
		this.samples++;
		this.#line += this.#onLine === 0 ? text : `,${text}`;
		this.#onLine++;
		if (this.#onLine === SAMPLES_PER_LINE || this.#line.length > LINE_CHARS) this.endLine();
	}

	endLine(): void {
		if (this.#onLine === 0) return;
		const text = `["s",[${this.#line}],${this.#onLine}]\n`;
		this.#line = "";
		this.#onLine = 0;
		this.#append(text);
	}

	/** Written past the limit: the room for it is a few bytes, and it says that the limit was met. */
	trailer(families: number): void {
		this.overflowed = false;
		this.#append(`["x",${families}]\n`, TRAILER_BYTES);
	}

	mark(): { readonly length: number; readonly samples: number } {
		return { length: this.#length, samples: this.samples };
	}

	rollBack(mark: { readonly length: number; readonly samples: number }): void {
		this.#length = mark.length;
		this.samples = mark.samples;
		this.#line = "";
		this.#onLine = 0;
	}

	/** The buffer is of exactly this length, so that what is transferred is what was written. */
	bytes(): Uint8Array {
		return this.#buffer.slice(0, this.#length);
	}

	#count(): boolean {
		this.#entries++;
		if (this.#entries > this.#limits.maxSamples) this.overflowed = true;
		return !this.overflowed;
	}

	#append(text: string, extra = 0): void {
		const most = text.length * MAX_BYTES_PER_CHAR;
		if (this.#length + most > this.#buffer.length) {
			const grown = new Uint8Array(Math.max(this.#buffer.length * 2, this.#length + most));
			grown.set(this.#buffer.subarray(0, this.#length));
			this.#buffer = grown;
		}
		const { written } = encoder.encodeInto(text, this.#buffer.subarray(this.#length));
		if (this.#length + written > this.#limits.maxBytes + extra) this.overflowed = true;
		else this.#length += written;
	}
}

/** A line ends when it has grown past this: with one sample of the largest kind on top it stays under MAX_LINE_BYTES. */
const LINE_CHARS = 8 * 1024;
const SAMPLES_PER_LINE = 64;
const MAX_BYTES_PER_CHAR = 3;
const TRAILER_BYTES = 32;
// From before a module could replace it.
const encoder = new TextEncoder();
