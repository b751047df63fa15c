import type { WireErrorDto } from "../../../workers/wire/wire-error.ts";
import { readFileSync } from "node:fs";
import type { WorkerEnd } from "./worker.ts";

/** What is known of a process that has ended. */
export interface ProcessEnd {
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
	/** Whether the host ended it, or asked the module to stop. */
	readonly stopped: "terminated" | "asked" | undefined;
	/** The rule of the pipe that it broke, for which the host ended it: completes "the process …". */
	readonly broken: string | undefined;
	/** The last message that it sent, when that told of an error that nobody caught. */
	readonly lastThrown: WireErrorDto | undefined;
	/** Whether it got as far as sending a message. */
	readonly begun: boolean;
	/** The end of its standard error. */
	readonly errors: string;
	/** How many processes the kernel has killed for want of memory since this one began. */
	readonly oomKills: number;
}

/** Tells the reasons apart. Pure. */
export function describeProcessEnd(end: ProcessEnd): WorkerEnd {
	const { code, signal } = end;
	if (end.broken !== undefined) return { reason: "crash", error: errorOf(`its process ${end.broken}`) };
	if (end.stopped === "terminated" || (end.stopped === "asked" && code === 0)) return { reason: "stopped" };
	const cause = signal ?? SIGNALS_BY_CODE[code ?? 0];
	if (cause !== undefined) {
		const fatal = V8_OUT_OF_MEMORY.exec(end.errors)?.[0];
		if (fatal !== undefined && cause !== "SIGKILL") return { reason: "out_of_memory", error: errorOf(fatal) };
		if (cause === "SIGKILL" && end.oomKills > 0) {
			return {
				reason: "out_of_memory",
				error: errorOf("its process was killed by SIGKILL while the kernel was ending processes for want of memory"),
			};
		}
		return { reason: "crash", error: errorOf(`its process was killed by ${cause}${SIGNAL_MEANINGS[cause] ?? ""}`) };
	}
	if (end.lastThrown !== undefined && code !== 0) return { reason: "crash", error: end.lastThrown };
	if (!end.begun) {
		const said = end.errors.trim().slice(-MAX_SAID_LENGTH);
		return {
			reason: "crash",
			error: errorOf(`its process ended with code ${code} before the module was loaded: ${said}`),
		};
	}
	return { reason: "exit", error: errorOf(`its process exited with code ${code}`) };
}

/** How many processes the kernel has killed for want of memory since it started; 0 where it does not say. */
export function countOomKills(): number {
	try {
		return Number(/^oom_kill (\d+)$/m.exec(readFileSync("/proc/vmstat", "latin1"))?.[1] ?? 0);
	} catch {
		return 0;
	}
}

/** What V8 writes before it gives up, in the words of Node 24 and 26. */
const V8_OUT_OF_MEMORY =
	/FATAL ERROR: [^\n]*(?:heap out of memory|Allocation failed)|Fatal process out of memory[^\n]*|Fatal JavaScript (?:OOM|out of memory|invalid size error)[^\n]*/i;

/** A shell reports the signal that ended its child in this way. */
const SIGNALS_BY_CODE: Readonly<Record<number, NodeJS.Signals>> = {
	132: "SIGILL",
	133: "SIGTRAP",
	134: "SIGABRT",
	137: "SIGKILL",
	139: "SIGSEGV",
};

const SIGNAL_MEANINGS: Readonly<Partial<Record<NodeJS.Signals, string>>> = {
	SIGABRT: " (it aborted)",
	SIGBUS: " (memory was not there)",
	SIGFPE: " (arithmetic in native code)",
	SIGILL: " (a wrong instruction in native code)",
	SIGKILL: " (from outside: an operator, a container's limit, or the module itself)",
	SIGSEGV: " (native code reached for wrong memory)",
	SIGTRAP: " (V8 or native code gave up)",
};

const MAX_SAID_LENGTH = 1000;

function errorOf(message: string): WireErrorDto {
	return { name: "Error", message };
}
