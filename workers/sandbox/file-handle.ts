import fs from "node:fs";
import { createInterface, type Interface } from "node:readline";
import { Readable } from "node:stream";
import { promisify } from "node:util";

/**
 * What a module gets from `fs.promises.open`: the methods of Node's `FileHandle` over a descriptor, all of which go
 * through the guarded functions of `fs`. It has none of Node's native objects in it.
 */
export class DescriptorHandle {
	#descriptor: number;

	constructor(descriptor: number) {
		this.#descriptor = descriptor;
	}

	/** -1 once it is closed. */
	get fd(): number {
		return this.#descriptor;
	}

	async close(): Promise<void> {
		const descriptor = this.#descriptor;
		if (descriptor === -1) return;
		this.#descriptor = -1;
		await promisify(fs.close)(descriptor);
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	createReadStream(options: object = {}): fs.ReadStream {
		return fs.createReadStream("", { ...options, fd: this.#descriptor });
	}

	createWriteStream(options: object = {}): fs.WriteStream {
		return fs.createWriteStream("", { ...options, fd: this.#descriptor });
	}

	readLines(options: object = {}): Interface {
		return createInterface({ input: this.createReadStream(options), crlfDelay: Number.POSITIVE_INFINITY });
	}

	readableWebStream(): ReadableStream {
		return Readable.toWeb(this.createReadStream({ autoClose: false })) as ReadableStream;
	}

	/** Calls a function of `fs` with this handle's descriptor. */
	call(name: DescriptorFunction, args: readonly unknown[]): Promise<unknown> {
		const original = promisify(fs[name]) as (...args: unknown[]) => Promise<unknown>;
		return original(this.#descriptor, ...args);
	}
}

/** The methods that are a function of `fs` under another name. */
const METHODS = {
	appendFile: "appendFile",
	chmod: "fchmod",
	chown: "fchown",
	datasync: "fdatasync",
	read: "read",
	readFile: "readFile",
	readv: "readv",
	stat: "fstat",
	sync: "fsync",
	truncate: "ftruncate",
	utimes: "futimes",
	write: "write",
	writeFile: "writeFile",
	writev: "writev",
} as const satisfies Record<string, keyof typeof fs>;
type DescriptorFunction = (typeof METHODS)[keyof typeof METHODS];

for (const [method, name] of Object.entries(METHODS)) {
	Object.defineProperty(DescriptorHandle.prototype, method, {
		value(this: DescriptorHandle, ...args: unknown[]): Promise<unknown> {
			return this.call(name, args);
		},
		writable: true,
		configurable: true,
	});
}
