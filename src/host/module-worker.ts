import type { CompiledCodeDto } from "../../workers/protocol.ts";
import type { Port } from "../../workers/rpc.ts";
import type { WireErrorDto } from "../../workers/wire-error.ts";

/** How the worker of a module came to its end. */
export type WorkerEnd =
	| { readonly reason: "stopped" }
	| { readonly reason: "exit"; readonly error: WireErrorDto }
	| { readonly reason: "crash"; readonly error: WireErrorDto }
	| { readonly reason: "out_of_memory"; readonly error: WireErrorDto };

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
	/** Bytes that it holds, heap and external; 0 while it is not up. Does not settle while a thread is stuck in native code. */
	memoryUsage(): Promise<number>;
	/** How often its thread was the first to touch a page of memory; undefined for a process, and where that is not known. */
	pageFaults(): number | undefined;
	/** Ends the worker. False when it did not end in time (it is stuck in native code) and was abandoned. */
	terminate(): Promise<boolean>;
}
