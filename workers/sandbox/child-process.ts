import type * as childProcess from "node:child_process";
import { EventEmitter } from "node:events";
import { closeAllBut, loadBuiltin } from "./closing.ts";
import { type Denials, lockValue } from "./denial.ts";
import { closeOpen } from "../network/sockets.ts";
import { apply, arrayFrom, isArray, namesOf, type Names, setPrototypeOf } from "../primordials/primordials.ts";

/**
 * Lets a module start programs, and give them nothing of the host's: its own pipes or nothing, never a descriptor. What
 * a program does is beyond this lock; the grant is for modules that are trusted that far.
 *
 * All asynchronous ways end in `spawn` of one native class, which any child leads to; the synchronous ones do not.
 */
export function lockChildProcess(denials: Denials): void {
	const child = loadBuiltin("child_process") as typeof childProcess;
	const native = (new child.ChildProcess() as unknown as { readonly _handle: object })._handle;
	const prototype = Object.getPrototypeOf(native) as { spawn: AnyFunction };
	const { spawn } = prototype;
	lockValue(prototype, "spawn", function guarded(this: unknown, ...args: unknown[]): unknown {
		const stdio = args[STDIO_AT];
		// As Node calls it. Anything else makes the native code abort the whole process.
		if (typeof args[0] !== "string" || !isArray(stdio)) throw denials.error("call spawn of a native handle", "never");
		args[STDIO_AT] = arrayFrom(stdio as readonly StdioEntry[], (entry) => admitNative({ ...entry }, denials));
		return apply(spawn, this, args);
	});
	for (const name of ["spawnSync", "execSync", "execFileSync"] as const) {
		const original = child[name] as AnyFunction;
		lockValue(child, name, (...args: unknown[]) => {
			for (let index = 0; index < args.length; index++) {
				const arg = args[index];
				if (isOptions(arg)) args[index] = admitOptions(arg, denials);
			}
			return apply(original, child, args);
		});
	}
	closeAllBut(child, "child_process", OPEN, denials);
}

/**
 * Lets a module start nothing. A `ChildProcess` can be made, which has nothing in it and whose methods refuse: libraries
 * make one to tell through it, or beside it, why a program could not be started.
 */
export function closeChildProcess(denials: Denials): void {
	const child = loadBuiltin("child_process") as typeof childProcess;
	closeAllBut(child, "child_process", namesOf([]), denials, "childProcess");
	class ChildProcess extends EventEmitter {}
	setPrototypeOf(ChildProcess.prototype, child.ChildProcess.prototype);
	lockValue(child, "ChildProcess", ChildProcess);
}

type AnyFunction = (...args: unknown[]) => unknown;
/** Seen on Node 24 and 26: file, args, cwd, env, stdio, and more. */
const STDIO_AT = 4;
interface StdioEntry {
	readonly type?: string;
	readonly handle?: object;
}

/** `fork` is left out: its default is to share the host's output. */
const OPEN: Names = namesOf(["ChildProcess", "exec", "execFile", "execFileSync", "execSync", "spawn", "spawnSync"]);

/** Whether an entry of `stdio` hands nothing down. */
function isOwnStdio(entry: unknown): boolean {
	return entry === undefined || entry === null || entry === "pipe" || entry === "overlapped" || entry === "ignore";
}

function admitNative(entry: StdioEntry, denials: Denials): StdioEntry {
	if (!isOwnStdio(entry.type)) throw refusal(entry.type, denials);
	// Node has made a pipe for it, of the class that opens any descriptor.
	if (entry.handle !== undefined) closeOpen(entry.handle, denials);
	return entry;
}

function isOptions(value: unknown): value is childProcess.SpawnOptions {
	return typeof value === "object" && value !== null && !isArray(value);
}

/** A copy, so that what was judged is what is used. */
function admitOptions(options: childProcess.SpawnOptions, denials: Denials): childProcess.SpawnOptions {
	const { stdio: given, ...rest } = options;
	if (given === undefined) return rest;
	const stdio: unknown[] = isArray(given) ? arrayFrom(given as readonly unknown[]) : [given, given, given];
	for (let index = 0; index < stdio.length; index++) {
		if (!isOwnStdio(stdio[index])) throw refusal(stdio[index], denials);
	}
	return { ...rest, stdio: stdio as never };
}

function refusal(entry: unknown, denials: Denials): Error {
	return denials.error(`hand ${typeof entry === "string" ? `stdio "${entry}"` : "a descriptor"} to a program`, "never");
}
