import type { SpawnOptions } from "node:child_process";
import { loadBuiltin } from "./sandbox-builtins.ts";
import { closeAllBut, type Denials, lockValue } from "./sandbox-denial.ts";
import { closeOpen } from "./sandbox-network.ts";
import { apply, arrayFrom, isArray, namesOf, type Names } from "./sandbox-primordials.ts";

/**
 * Lets a module start programs, and give them nothing of the host's: its own pipes or nothing, never a descriptor. What
 * a program does is beyond this lock; the grant is for modules that are trusted that far.
 *
 * All asynchronous ways end in `spawn` of one native class, which any child leads to; the synchronous ones do not.
 */
export function lockChildProcess(denials: Denials): void {
	const child = loadBuiltin("child_process") as typeof import("node:child_process");
	const native = (new child.ChildProcess() as unknown as { readonly _handle: { spawn: Spawn } })._handle;
	const prototype = Object.getPrototypeOf(native) as { spawn: Spawn };
	const { spawn } = prototype;
	lockValue(prototype, "spawn", function guarded(this: unknown, options: NativeOptions): unknown {
		const stdio = arrayFrom(options.stdio ?? [], (entry) => admitNative({ ...entry }, denials));
		return apply(spawn, this, [{ ...options, stdio }]);
	});
	for (const name of ["spawnSync", "execSync", "execFileSync"] as const) {
		const original = child[name] as (...args: unknown[]) => unknown;
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

type Spawn = (options: NativeOptions) => unknown;
interface NativeOptions {
	readonly stdio?: readonly StdioEntry[];
}
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

function isOptions(value: unknown): value is SpawnOptions {
	return typeof value === "object" && value !== null && !isArray(value);
}

/** A copy, so that what was judged is what is used. */
function admitOptions(options: SpawnOptions, denials: Denials): SpawnOptions {
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
