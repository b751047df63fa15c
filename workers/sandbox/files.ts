import fs from "node:fs";
import { type Denials, lockValue } from "./denial.ts";
import { type LinkGuard, plainPath } from "../paths/links.ts";
import { DescriptorHandle } from "./file-handle.ts";
import {
	apply,
	byteLength,
	create,
	NativeError,
	NativePromise,
	nextTick,
	settled,
} from "../primordials/primordials.ts";

/** Where a module's writes to the descriptors 1 and 2 go: it means its output, and loggers write to it this way. */
export type OutputSink = (descriptor: 1 | 2, text: string | Uint8Array) => void;

/**
 * Keeps `fs` to files. Which of them is Node's permission model to say, and its refusals are put into our words here.
 * Descriptors are not covered by it: they belong to the whole process, the host's sockets among them. So a function that
 * takes one does so only when the module has opened it, and it is forgotten before it is closed, since the next file or
 * socket of the host gets the same number.
 *
 * `fs.promises.open` gives a handle of our own. Node's holds its native object under a symbol, and the constructor of
 * that object opens any descriptor.
 */
export function lockFiles(denials: Denials, leadsOut: LinkGuard, sink: OutputSink): void {
	const guard = createGuard(denials, leadsOut);
	const special = specialFunctions(guard, sink);
	for (const [name, original] of functionsOf(fs)) {
		lockFunction(fs, name, original, special[name] ?? guard.call(name, original));
	}
	lockValue(fs, "Utf8Stream", denials.stub("fs.Utf8Stream")); // it takes a descriptor

	const promises: object = fs.promises;
	for (const [name, original] of functionsOf(promises)) {
		lockFunction(promises, name, original, name === "open" ? openHandle : rejecting(guard.call(name, original)));
	}
	// An accessor, whose object could be replaced.
	lockValue(fs, "promises", promises);
}

type AnyFunction = (...args: unknown[]) => unknown;

interface Guard {
	/** Checks the descriptor, if the first argument is one, and translates what Node's permission model throws. */
	call(name: string, original: AnyFunction): AnyFunction;
	/** Counts one more. @returns why not, when the module has as many open as it may */
	opening(): Error | undefined;
	/** @param descriptor undefined when it could not be opened */
	opened(descriptor: number | undefined): void;
	/** @returns why not, when the module did not open it */
	closing(descriptor: unknown): Error | undefined;
}

function createGuard(denials: Denials, leadsOut: LinkGuard): Guard {
	const owned = create(null) as Record<number, true>;
	let open = 0;

	const refuse = (descriptor: unknown, what: string): Error | undefined =>
		typeof descriptor === "number" && descriptor in owned
			? undefined
			: denials.error(`${what} the descriptor ${String(descriptor)}, which it did not open`, "never");
	function refuseLink(name: string, args: unknown[]): Error | undefined {
		if (name in OPEN_LATER) return undefined;
		args[0] = plainPath(args[0]);
		if (name in TAKE_TWO_PATHS) args[1] = plainPath(args[1]);
		const leads = leadsOut(args[0], name in TAKE_A_LINK) || (name in TAKE_TWO_PATHS && leadsOut(args[1]));
		if (!leads) return undefined;
		return denials.error(`use fs.${name} on ${String(args[0])}, which leads out of what it may read`, "never");
	}
	function translate(name: string, thrown: unknown): unknown {
		if (!(thrown instanceof NativeError)) return thrown;
		const { code, permission, resource = "it" } = thrown as AccessError;
		if (code !== "ERR_ACCESS_DENIED") return thrown;
		return permission === "FileSystemRead"
			? denials.error(`read ${resource} with fs.${name}`, "read", resource)
			: denials.error(`use fs.${name} on ${resource}`, "never");
	}

	return {
		call: (name, original) =>
			function guarded(this: unknown, ...args): unknown {
				const refusal = typeof args[0] === "number" ? refuse(args[0], "use") : refuseLink(name, args);
				if (refusal !== undefined) return name in ASK_WHETHER_THERE ? notThere(args) : fail(refusal, args);
				const callback = args[args.length - 1];
				// A listener is no callback: it takes no error, and `unwatchFile` tells listeners apart by what they are.
				if (typeof callback === "function" && !(name in TAKE_A_LISTENER)) {
					args[args.length - 1] = (...results: unknown[]): unknown => {
						if (results.length > 0) results[0] = translate(name, results[0]);
						return apply(callback, undefined, results) as unknown;
					};
				}
				try {
					const result = apply(original, this, args);
					if (!(result instanceof NativePromise)) return result;
					return settled(result, undefined, (thrown) => {
						throw translate(name, thrown);
					});
				} catch (thrown) {
					const told = translate(name, thrown);
					if (told !== thrown && name in ASK_WHETHER_THERE) return notThere(args);
					throw told;
				}
			},
		opening() {
			if (open < MAX_OPEN_FILES) {
				open++;
				return undefined;
			}
			return denials.error(
				`have more than ${MAX_OPEN_FILES} files open, for all modules share those there are`,
				"never",
			);
		},
		opened(descriptor) {
			if (descriptor === undefined) open--;
			else owned[descriptor] = true;
		},
		closing(descriptor) {
			const refusal = refuse(descriptor, "close");
			if (refusal !== undefined) return refusal;
			delete owned[descriptor as number];
			open--;
			return undefined;
		},
	};
}

/** As `fs` does: to the callback if there is one. A stream that got it thrown would take the thread along. */
function fail(error: Error, args: readonly unknown[]): undefined {
	const callback = args[args.length - 1];
	if (typeof callback !== "function") throw error;
	nextTick(callback as AnyFunction, error);
}

/** Nobody who asks these two expects an error, of which they have none: packages look for settings up to the root this way. */
const ASK_WHETHER_THERE = { __proto__: null, exists: true, existsSync: true };

function notThere(args: readonly unknown[]): false {
	const callback = args[args.length - 1];
	if (typeof callback === "function") nextTick(callback as AnyFunction, false);
	return false;
}

/** Far below what a process may have. */
const MAX_OPEN_FILES = 256;

interface AccessError extends Error {
	readonly code?: unknown;
	readonly permission?: unknown;
	readonly resource?: string;
}

/** They use the others, which say no where the user of a stream listens for it. */
const OPEN_LATER = {
	__proto__: null,
	createReadStream: true,
	createWriteStream: true,
	exists: true,
	unwatchFile: true,
};
/** They look at a link, or take it away, and do not follow it. */
const TAKE_A_LINK = {
	__proto__: null,
	...{ lstat: true, lstatSync: true, readlink: true, readlinkSync: true },
	...{ rm: true, rmSync: true, unlink: true, unlinkSync: true },
};
const TAKE_TWO_PATHS = {
	__proto__: null,
	copyFile: true,
	copyFileSync: true,
	cp: true,
	cpSync: true,
	link: true,
	linkSync: true,
	rename: true,
	renameSync: true,
};

/** What `fs.promises` refuses is told as everything else there. */
function rejecting(call: AnyFunction): AnyFunction {
	return function rejects(this: unknown, ...args): unknown {
		try {
			return apply(call, this, args);
		} catch (thrown) {
			return new NativePromise((_, reject) => reject(thrown));
		}
	};
}

const TAKE_A_LISTENER = { __proto__: null, watch: true, watchFile: true, unwatchFile: true };

/** The functions that open and close a descriptor, and those that may write to the module's output. */
function specialFunctions(guard: Guard, sink: OutputSink): Readonly<Record<string, AnyFunction>> {
	const { open, openSync, close, closeSync, write, writeSync } = fs as unknown as Record<string, AnyFunction>;
	if (!open || !openSync || !close || !closeSync || !write || !writeSync) throw new NativeError("fs is not complete");
	const guardedWrite = guard.call("write", write);
	const guardedWriteSync = guard.call("writeSync", writeSync);
	const closing =
		(original: AnyFunction): AnyFunction =>
		(...args) => {
			const refusal = guard.closing(args[0]);
			return refusal === undefined ? apply(original, fs, args) : fail(refusal, args);
		};
	return {
		_toUnixTimestamp: (...args) =>
			apply((fs as unknown as Record<string, AnyFunction>)["_toUnixTimestamp"] as AnyFunction, fs, args),
		openSync: guard.call("openSync", (...args) => {
			const refusal = guard.opening();
			if (refusal !== undefined) throw refusal;
			let descriptor: number | undefined;
			try {
				descriptor = apply(openSync, fs, args) as number;
				return descriptor;
			} finally {
				guard.opened(descriptor);
			}
		}),
		open: guard.call("open", (...args) => {
			const callback = args[args.length - 1];
			if (typeof callback !== "function") return apply(open, fs, args); // which says so
			const refusal = guard.opening();
			if (refusal !== undefined) return fail(refusal, args);
			args[args.length - 1] = (error: unknown, descriptor: number): void => {
				guard.opened(error === null ? descriptor : undefined);
				apply(callback, undefined, [error, descriptor]);
			};
			try {
				return apply(open, fs, args);
			} catch (thrown) {
				guard.opened(undefined); // an argument is wrong
				throw thrown;
			}
		}),
		close: closing(close),
		closeSync: closing(closeSync),
		writeSync: (...args) => takeOutput(args, sink) ?? apply(guardedWriteSync, fs, args),
		write: (...args) => {
			const callback = args[args.length - 1];
			const written = typeof callback === "function" ? takeOutput(args, sink) : undefined;
			if (written === undefined) return apply(guardedWrite, fs, args);
			nextTick(callback as AnyFunction, null, written, args[1]);
			return undefined;
		},
	};
}

/** @returns how many bytes were taken; undefined when this is no output */
function takeOutput([descriptor, data, offset, length]: readonly unknown[], sink: OutputSink): number | undefined {
	if (descriptor !== 1 && descriptor !== 2) return undefined;
	if (typeof data === "string") {
		sink(descriptor, data);
		return byteLength(data);
	}
	if (!(data instanceof Uint8Array)) return undefined;
	const start = typeof offset === "number" ? offset : 0;
	const bytes = data.subarray(start, typeof length === "number" ? start + length : undefined);
	sink(descriptor, bytes);
	return bytes.length;
}

const openHandle: AnyFunction = (path, flags = "r", mode = 0o666) =>
	new NativePromise((resolve, reject) => {
		fs.open(path as fs.PathLike, flags as fs.OpenMode, mode as fs.Mode, (error, descriptor) => {
			if (error === null) resolve(new DescriptorHandle(descriptor));
			else reject(error);
		});
	});

/** Without classes, whose names begin with a capital letter. */
function functionsOf(object: object): readonly (readonly [name: string, value: AnyFunction])[] {
	return Object.getOwnPropertyNames(object).flatMap((name) => {
		const value: unknown = Object.getOwnPropertyDescriptor(object, name)?.value;
		return typeof value === "function" && !/^[A-Z]/.test(name) ? [[name, value as AnyFunction] as const] : [];
	});
}

/** With what else is on the original: `realpath.native`, and how `promisify` is to call it. */
function lockFunction(object: object, name: string, original: object, replacement: AnyFunction): void {
	for (const key of Reflect.ownKeys(original)) {
		const descriptor = Object.getOwnPropertyDescriptor(original, key);
		if (key !== "prototype" && descriptor !== undefined) Object.defineProperty(replacement, key, descriptor);
	}
	lockValue(object, name, replacement);
}
