import type { HeapInfo } from "node:v8";
import type { CompiledCodeDto } from "../../../workers/wire/messages.ts";
import type { WireErrorDto } from "../../../workers/wire/wire-error.ts";
import type { Port } from "../../../workers/wire/port.ts";

/** How the worker of a module came to its end. */
export type WorkerEnd =
	| { readonly reason: "stopped" }
	| { readonly reason: "exit"; readonly error: WireErrorDto }
	| { readonly reason: "crash"; readonly error: WireErrorDto }
	| { readonly reason: "out_of_memory"; readonly error: WireErrorDto };

/** The fixed list of the label `type`. `rss` is what the kernel counts as a process's own: anonymous and shared memory. */
export type MemoryType = "heap_used" | "heap_total" | "external" | "rss";
/** A thread has no `rss` of its own, and of a process nothing else is known. */
export type MemoryBytes = Readonly<Partial<Record<MemoryType, number>>>;

/** What a worker holds. */
export interface WorkerMemory {
	/** What its limit is for, in bytes: 0 while it is not up. */
	readonly heldBytes: number;
	/** Empty while it is not up, and where it is not known. */
	readonly bytes: MemoryBytes;
}

export const NO_MEMORY: WorkerMemory = { heldBytes: 0, bytes: {} };

/** @param statistics V8's, of one thread: of its heap, and of the memory outside of it that its objects hold */
export function heapMemory(
	statistics: Pick<HeapInfo, "used_heap_size" | "total_heap_size" | "external_memory">,
): WorkerMemory {
	const { used_heap_size: used, total_heap_size: total, external_memory: external } = statistics;
	return { heldBytes: used + external, bytes: { heap_used: used, heap_total: total, external } };
}

export interface WorkerOptions {
	/** Absolute path of the worker entry. */
	readonly entry: string;
	/** The environment that the module sees, whole. */
	readonly env: Readonly<Record<string, string>>;
	/** Flags for Node: the permissions of the module. */
	readonly execArgv: readonly string[];
}

export interface ThreadOptions extends WorkerOptions {
	readonly compiledCode: CompiledCodeDto;
}

/** What a generation runs in, a thread or a process, with a port to it. */
export interface ModuleWorker {
	readonly port: Port;
	/** Resolves once the worker is gone or has been given up; never rejects. */
	readonly ended: Promise<WorkerEnd>;
	/** Milliseconds that its event loop has waited for work since it began. Costs nothing to ask. */
	idleMs(): number;
	/** Does not settle while a thread is stuck in native code. */
	memoryUsage(): Promise<WorkerMemory>;
	/** Processor time that it has taken so far, in seconds; undefined while that is not known. As `memoryUsage` otherwise. */
	cpuSeconds(): Promise<number | undefined>;
	/** How often its thread was the first to touch a page of memory; undefined for a process, and where that is not known. */
	pageFaults(): number | undefined;
	/** Ends the worker. False when it did not end in time (it is stuck in native code) and was abandoned. */
	terminate(): Promise<boolean>;
}

export type Isolation = "thread" | "process";
